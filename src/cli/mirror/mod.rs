//! `toolkit mirror`: what has to do with mirrors.

mod check;
mod list;
mod parse;
mod sync;

use std::path::Path;
use std::process::ExitCode;
#[cfg(feature = "aws")]
use std::sync::Arc;

use clap::{Args, Subcommand};

use super::Global;
#[cfg(feature = "aws")]
use super::network;
use super::render::Failure;
use super::settings::Settings;
use crate::host::Host;
use crate::mirror::{Address, Error, Folder, MirrorStore};

/// Fill a mirror from the lock, check it, list it; parse addresses in S3
///
/// A mirror is a folder or a prefix in an S3 bucket with the files of toolkit.lock, under the paths of their upstreams.
/// With only `--mirror`, builds without internet access install from it.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, subcommand_required = true, arg_required_else_help = true)]
pub(super) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    Sync(sync::Arguments),
    Check(check::Arguments),
    List(list::Arguments),
    Parse(parse::Arguments),
}

const EXAMPLES: &str = "\
Examples:
  toolkit mirror sync s3://builds/toolchains
  toolkit mirror check s3://builds/toolchains
  toolkit mirror list /srv/mirror
  toolkit mirror parse s3://builds/toolchains";

impl Arguments {
    pub(super) fn run(self, host: &Host, global: &Global) -> Result<ExitCode, Failure> {
        match self.action {
            Action::Sync(arguments) => arguments.run(host, global),
            Action::Check(arguments) => arguments.run(host, global),
            Action::List(arguments) => arguments.run(host, global),
            Action::Parse(arguments) => arguments.run(global),
        }
    }
}

/// Reads which mirror is meant: the argument, else the one that commands read from.
fn address(argument: Option<&str>, settings: &Settings, global: &Global) -> Result<Address, Failure> {
    let (text, base): (&str, &Path) = match argument {
        Some(text) => (text, &settings.host.cwd),
        None => settings.named_mirror(global).ok_or(Error::NoMirror)?,
    };
    let address = Address::parse(text, base)?;
    #[cfg(feature = "aws")]
    if let (None, Address::Bucket { text, .. }) = (argument, &address) {
        let location = text.parse()?;
        if !network::may_be_read(&settings.host, global, &location)? {
            return Err(crate::aws::Error::NotAllowed { mirror: location.to_string() }.into());
        }
    }
    Ok(address)
}

/// Opens the mirror at an address. Nothing is asked or made before it is used.
#[cfg(feature = "aws")]
fn store(address: &Address, settings: &Settings) -> Result<Box<dyn MirrorStore>, Failure> {
    use crate::aws::s3::Bucket;
    use crate::mirror::Objects;

    match address {
        Address::Folder(path) => Ok(Box::new(Folder::at(path.clone()))),
        Address::Bucket { text, .. } => {
            let bucket = Bucket::new(Arc::clone(&settings.session), text.parse()?)?;
            Ok(Box::new(Objects::of(bucket)))
        }
    }
}

/// Opens the mirror at an address, which is a folder.
#[cfg(not(feature = "aws"))]
fn store(address: &Address, _place: &Settings) -> Result<Box<dyn MirrorStore>, Failure> {
    match address {
        Address::Folder(path) => Ok(Box::new(Folder::at(path.clone()))),
        Address::Bucket { .. } => Err(crate::aws::Error::NotBuilt { what: "a mirror in S3".to_owned() }.into()),
    }
}
