//! The vocabulary of the program: requests, platforms, releases, digests and their proof.
//! Nothing here reads a file, opens a connection or prints.

mod channel;
mod digest;
mod explain;
mod image;
mod platform;
mod policy;
mod release;
mod s3_uri;
mod tree;
mod version;
mod words;

pub use channel::{BadChannel, BadRequest, Channel, Line, Minimum, Preference, Range, ToolName, Within};
pub use digest::{Algorithm, BadDigest, Digest, Level, Proof, Received, Verified, hex};
pub use explain::{Explain, Kind, THREAD_HINT};
pub use image::{BadReference, DOCKER_HUB, ImagePlatform, Reference, Repository};
pub use platform::{Arch, BadPlatform, Libc, Os, Platform};
pub use policy::{Choice, Policy, Prefer, Unsupported, Verdict};
pub use release::{
    Activation, Artifact, Candidate, Date, Executable, Format, Phase, Pins, Redirect, Release, SourceImage, Support,
    Train,
};
pub use s3_uri::{BadS3Uri, S3Endpoint, S3Style, S3Uri};
pub use tree::{BadTreeDigest, Extra, ExtraKind, Node, NodeKind, TreeDigest};
pub use version::{BadVersion, Version};
pub use words::did_you_mean;
