//! The pieces that examples of errors are made of: each is wrapped as the product wraps it, with values of real life.

use std::io;
use std::process::Command;

use toolkit::cli::Failure;
use toolkit::model::{Explain, Platform};
use toolkit::{archive, ingest, net, provision, toolchain};

pub const GO_FILE: &str = "go1.27.3.linux-arm64.tar.gz";
pub const GO_URL: &str = "https://go.dev/dl/go1.27.3.linux-arm64.tar.gz";
pub const GO_INDEX: &str = "https://go.dev/dl/?mode=…&include=…";
pub const SDK_URL: &str =
    "https://builds.dotnet.microsoft.com/dotnet/Sdk/10.0.302/dotnet-sdk-10.0.302-linux-x64.tar.gz";
pub const SDK_INDEX: &str = "https://builds.dotnet.microsoft.com/dotnet/release-metadata/releases-index.json";

/// One error type or variant, with all faces that it has.
pub struct Section {
    pub name: &'static str,
    pub examples: Vec<Example>,
}

/// One error as it is printed.
pub struct Example {
    pub code: u8,
    pub text: String,
    /// The error as Rust prints it, which names its variant; none when another process printed the text.
    pub debug: Option<String>,
}

impl<E: Explain + Send + Sync + 'static> From<E> for Example {
    fn from(error: E) -> Self {
        let failure = Failure::from(error);
        Self { code: failure.exit_code(), text: failure.text().plain(), debug: Some(format!("{failure:?}")) }
    }
}

pub fn section(name: &'static str, examples: impl IntoIterator<Item = Example>) -> Section {
    Section { name, examples: examples.into_iter().collect() }
}

/// Runs the command in `/` with nothing in its environment but `vars`.
pub fn run(vars: &[(&str, &str)], arguments: &[&str]) -> Example {
    let mut command = Command::new(env!("CARGO_BIN_EXE_toolkit"));
    let output = command.current_dir("/").env_clear().envs(vars.iter().copied()).args(arguments).output().unwrap();
    let code = u8::try_from(output.status.code().unwrap()).unwrap();
    Example { code, text: String::from_utf8(output.stderr).unwrap(), debug: None }
}

pub fn arm64() -> Platform {
    "linux/arm64".parse().unwrap()
}

pub fn installing(source: ingest::Error) -> Example {
    let (tool, version, source) = ("go".to_owned(), "1.27.3".to_owned(), Box::new(source));
    provision::Error::Install { tool, version, platform: arm64(), source }.into()
}

pub fn installing_sdk(source: ingest::Error) -> Example {
    let (tool, version, source) = ("dotnet".to_owned(), "10.0.302".to_owned(), Box::new(source));
    provision::Error::Install { tool, version, platform: "linux/amd64".parse().unwrap(), source }.into()
}

pub fn downloading(source: net::Error) -> Example {
    installing(ingest::Error::Net { file: GO_FILE.to_owned(), source })
}

pub fn downloading_sdk(source: net::Error) -> Example {
    let file = SDK_URL.rsplit('/').next().unwrap().to_owned();
    installing_sdk(ingest::Error::Net { file, source })
}

pub fn unpacking(source: archive::Error) -> Example {
    installing(ingest::Error::Archive { file: GO_FILE.to_owned(), source })
}

pub fn resolving(request: &str, source: toolchain::Error) -> Example {
    provision::Error::Resolve { request: request.to_owned(), source }.into()
}

pub fn reading_releases(request: &str, source: net::Error) -> Example {
    let tool = request.split('@').next().unwrap().to_owned();
    resolving(request, toolchain::Error::Metadata { tool, source })
}

/// What the system says to these four numbers on every Unix: ENOENT, EACCES, ENOSPC, EROFS; EIO for all else.
pub fn absent() -> io::Error {
    io::Error::from_raw_os_error(2)
}

pub fn denied() -> io::Error {
    io::Error::from_raw_os_error(13)
}

pub fn full() -> io::Error {
    io::Error::from_raw_os_error(28)
}

pub fn read_only() -> io::Error {
    io::Error::from_raw_os_error(30)
}

pub fn failing() -> io::Error {
    io::Error::from_raw_os_error(5)
}

pub fn text(text: &str) -> String {
    text.to_owned()
}
