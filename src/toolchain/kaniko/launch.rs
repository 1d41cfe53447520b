//! The files and variables that a run of kaniko needs from the machine, derived from its flags
//! (<https://github.com/osscontainertools/kaniko#additional-flags>): the context, a Dockerfile elsewhere, files to write.
//!
//! | on the machine | in kaniko's root |
//! |---|---|
//! | `--context DIR`, `--context dir://DIR` | `/workspace`, read-only or a copy |
//! | `--context tar://FILE`, `--dockerfile FILE` outside of the context, `--registry-certificate HOST=FILE` | below `/kaniko/toolkit` |
//! | `--cache-dir DIR` | below `/kaniko/toolkit`, read-only or a copy |
//! | `--digest-file`, `--image-name-with-digest-file`, `--image-name-tag-with-digest-file`, `--tar-path`, `--oci-layout-path` | written below `/kaniko/toolkit`, moved to their destination when kaniko has succeeded |
//! | `$DOCKER_CONFIG/config.json`, else `~/.docker/config.json` | `/kaniko/.docker/config.json`, mode 0600 |
//! | `$SSL_CERT_FILE`, a file | next to the image's own CA certificates in `/kaniko/ssl/certs` |
//! | `/etc/resolv.conf`, `/etc/hosts` | copies at the same path |
//! | files named by `AWS_WEB_IDENTITY_TOKEN_FILE`, `AWS_SHARED_CREDENTIALS_FILE`, `AWS_CONFIG_FILE`, `GOOGLE_APPLICATION_CREDENTIALS` | below `/kaniko/toolkit`, mode 0600 |
//! | other variables of [`PASSED`] | unchanged |

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::host::Host;
use crate::sandbox::{Brought, How, Job, Taken};

/// The variables that are passed on, and no others. A trailing `*` matches every variable with the prefix.
const PASSED: &[&str] = &[
    "AWS_*",
    "AZURE_*",
    "CI",
    "CI_*",
    "FF_KANIKO_*",
    "GITLAB_*",
    "GIT_PASSWORD",
    "GIT_TOKEN",
    "GIT_USERNAME",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "KANIKO_*",
    "LANG",
    "NO_PROXY",
    "SOURCE_DATE_EPOCH",
    "TZ",
    "http_proxy",
    "https_proxy",
    "no_proxy",
];

/// Variables that name a file with credentials.
const FILES: &[&str] = &[
    "AWS_CONFIG_FILE",
    "AWS_SHARED_CREDENTIALS_FILE",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "GOOGLE_APPLICATION_CREDENTIALS",
];

/// The variables of kaniko's own image. `container` is the standard sign of a container
/// (<https://systemd.io/CONTAINER_INTERFACE>), without which kaniko refuses to run.
const VARS: &[(&str, &str)] = &[
    ("DOCKER_CONFIG", "/kaniko/.docker/"),
    ("HOME", "/root"),
    ("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/kaniko:/busybox"),
    ("SSL_CERT_DIR", "/kaniko/ssl/certs"),
    ("USER", "root"),
    ("container", "docker"),
];

const CONTEXT: &str = "/workspace";
/// Kaniko does not touch what is below `/kaniko`.
const OWN: &str = "/kaniko/toolkit";

/// What the value of a flag names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Context,
    Dockerfile,
    Folder,
    /// `HOST=FILE`.
    File,
    Result,
    ResultFolder,
}

const FLAGS: &[(&str, Option<char>, Kind)] = &[
    ("context", Some('c'), Kind::Context),
    ("dockerfile", Some('f'), Kind::Dockerfile),
    ("cache-dir", None, Kind::Folder),
    ("registry-certificate", None, Kind::File),
    ("digest-file", None, Kind::Result),
    ("image-name-with-digest-file", None, Kind::Result),
    ("image-name-tag-with-digest-file", None, Kind::Result),
    ("tar-path", None, Kind::Result),
    ("oci-layout-path", None, Kind::ResultFolder),
];

/// Collects what a run of `program` with these arguments needs. The error says what is wrong with them.
pub(super) fn prepare(host: &Host, program: &str, arguments: &[OsString]) -> Result<Job, String> {
    let words = words(arguments)?;
    let mut launch = Launch { host, context: None, brought: Vec::new(), results: Vec::new() };
    for word in &words {
        if let Word::Flag(_, Kind::Context, value) = word {
            launch.context = context(host, value)?;
        }
    }
    let mut arguments = Vec::with_capacity(words.len());
    for word in words {
        arguments.push(match word {
            Word::Other(word) => word,
            Word::Flag(name, kind, value) => format!("--{name}={}", launch.value(name, kind, &value)?).into(),
        });
    }
    let vars = launch.surroundings();
    let folder = PathBuf::from(CONTEXT);
    let Launch { context, mut brought, results, .. } = launch;
    brought.extend(context.map(|from| Brought { from, inside: CONTEXT.into(), how: How::Shared }));
    Ok(Job { program: program.into(), arguments, vars, folder, brought, results })
}

/// An argument: a flag of the table with its value, or anything else.
enum Word {
    Flag(&'static str, Kind, String),
    Other(OsString),
}

/// Parses arguments as kaniko does (<https://pkg.go.dev/github.com/spf13/pflag#hdr-Command_line_flag_syntax>).
fn words(arguments: &[OsString]) -> Result<Vec<Word>, String> {
    let mut words = Vec::with_capacity(arguments.len());
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        let Some((name, kind, value)) = argument.to_str().and_then(flag) else {
            words.push(Word::Other(argument.clone()));
            if argument == "--" {
                words.extend(rest.by_ref().cloned().map(Word::Other));
            }
            continue;
        };
        let value = match value {
            Some(value) => value,
            None => rest.next().and_then(|next| next.to_str()).ok_or_else(|| format!("--{name} needs a value"))?,
        };
        words.push(Word::Flag(name, kind, value.to_owned()));
    }
    Ok(words)
}

fn flag(word: &str) -> Option<(&'static str, Kind, Option<&str>)> {
    if let Some(long) = word.strip_prefix("--") {
        let (name, value) = long.split_once('=').map_or((long, None), |(name, value)| (name, Some(value)));
        return FLAGS.iter().find(|(known, ..)| *known == name).map(|(known, _, kind)| (*known, *kind, value));
    }
    let mut letters = word.strip_prefix('-')?.chars();
    let letter = letters.next()?;
    let (name, _, kind) = FLAGS.iter().find(|(_, short, _)| *short == Some(letter))?;
    let value = letters.as_str();
    Some((name, *kind, Some(value.strip_prefix('=').unwrap_or(value)).filter(|value| !value.is_empty())))
}

/// Finds the folder of a context; none when the context is not on this machine, or is a file, which [`Launch::value`]
/// brings in.
fn context(host: &Host, value: &str) -> Result<Option<PathBuf>, String> {
    let path = match value.split_once("://") {
        Some(("dir", path)) => path,
        Some(_) => return Ok(None),
        None => value,
    };
    let folder = host.cwd.join(path);
    if folder.is_dir() { Ok(Some(folder)) } else { Err(format!("--context: {} is not a folder", folder.display())) }
}

struct Launch<'a> {
    host: &'a Host,
    context: Option<PathBuf>,
    brought: Vec<Brought>,
    results: Vec<Taken>,
}

impl Launch<'_> {
    /// Returns the value of a flag inside the root.
    fn value(&mut self, name: &str, kind: Kind, value: &str) -> Result<String, String> {
        let path = self.host.cwd.join(value);
        match kind {
            Kind::Context if self.context.is_some() => Ok(format!("dir://{CONTEXT}")),
            Kind::Context => match value.strip_prefix("tar://") {
                Some(file) if file != "stdin" => {
                    let inside = self.bring(name, &self.host.cwd.join(file), How::Shared)?;
                    Ok(format!("tar://{inside}"))
                }
                _ => Ok(value.to_owned()),
            },
            // Kaniko looks in its working directory first, then in the context, where a file that is not found here may be.
            Kind::Dockerfile if value.contains("://") || !path.is_file() => Ok(value.to_owned()),
            Kind::Dockerfile => match self.context.as_ref().and_then(|context| path.strip_prefix(context).ok()) {
                Some(relative) => Ok(format!("{CONTEXT}/{}", relative.display())),
                None => self.bring(name, &path, How::Copied(0o644)),
            },
            Kind::Folder if path.is_dir() => self.bring(name, &path, How::Shared),
            Kind::Folder => Ok(value.to_owned()),
            Kind::File => match value.split_once('=') {
                Some((host, file)) => {
                    let inside = self.bring(name, &self.host.cwd.join(file), How::Copied(0o644))?;
                    Ok(format!("{host}={inside}"))
                }
                None => Ok(value.to_owned()),
            },
            Kind::Result | Kind::ResultFolder => self.result(name, kind, path),
        }
    }

    /// Brings in a file or folder, and returns its path inside.
    fn bring(&mut self, name: &str, from: &Path, how: How) -> Result<String, String> {
        if !from.exists() {
            return Err(format!("--{name}: {} does not exist", from.display()));
        }
        let file = from.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let inside = format!("{OWN}/in/{}/{file}", self.brought.len());
        self.brought.push(Brought { from: from.to_owned(), inside: PathBuf::from(&inside), how });
        Ok(inside)
    }

    /// Returns the path inside for a result, after checking that its destination can be written: after the build is too late.
    fn result(&mut self, name: &str, kind: Kind, to: PathBuf) -> Result<String, String> {
        let wrong = |what: &str| Err(format!("--{name}: {} {what}", to.display()));
        let Some(file) = to.file_name().map(|name| name.to_string_lossy().into_owned()) else {
            return wrong("does not name a file");
        };
        if !to.parent().is_some_and(Path::is_dir) {
            return wrong("is in a folder that does not exist");
        }
        match to.symlink_metadata() {
            Ok(data) if kind == Kind::Result && !data.is_file() => return wrong("exists and is not a file"),
            Ok(_) if kind == Kind::ResultFolder && !is_empty_folder(&to) => {
                return wrong("exists and is not an empty folder");
            }
            _ => {}
        }
        let inside = format!("{OWN}/out/{}/{file}", self.results.len());
        self.results.push(Taken { inside: PathBuf::from(&inside), to });
        Ok(inside)
    }

    /// Brings in what every run needs, and returns the environment.
    fn surroundings(&mut self) -> Vec<(String, String)> {
        let mut vars: Vec<(String, String)> =
            VARS.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let passed =
            self.host.vars().filter(|(name, value)| !value.is_empty() && is_passed(name) && !FILES.contains(name));
        vars.extend(passed.map(|(name, value)| (name.to_owned(), value.to_owned())));
        for name in FILES {
            let Some(file) = self.host.var(name).map(|file| self.host.cwd.join(file)).filter(|file| file.is_file())
            else {
                continue;
            };
            let inside = format!("{OWN}/{}", name.to_ascii_lowercase());
            self.brought.push(Brought { from: file, inside: PathBuf::from(&inside), how: How::Copied(0o600) });
            vars.push(((*name).to_owned(), inside));
        }
        let config = self.host.var("DOCKER_CONFIG").map(PathBuf::from);
        let config = config.or_else(|| Some(Path::new(self.host.var("HOME")?).join(".docker")));
        let config = config.map(|folder| self.host.cwd.join(folder).join("config.json"));
        let authority = self.host.var("SSL_CERT_FILE").map(|file| self.host.cwd.join(file));
        let files = [
            (config, "/kaniko/.docker/config.json", How::Copied(0o600)),
            (authority, "/kaniko/ssl/certs/of-the-machine.crt", How::Copied(0o644)),
            (Some("/etc/resolv.conf".into()), "/etc/resolv.conf", How::Mounted),
            (Some("/etc/hosts".into()), "/etc/hosts", How::Mounted),
        ];
        for (from, inside, how) in files {
            if let Some(from) = from.filter(|from| from.is_file()) {
                self.brought.push(Brought { from, inside: inside.into(), how });
            }
        }
        vars
    }
}

fn is_passed(name: &str) -> bool {
    PASSED.iter().any(|known| match known.strip_suffix('*') {
        Some(beginning) => name.starts_with(beginning),
        None => name == *known,
    })
}

fn is_empty_folder(path: &Path) -> bool {
    std::fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(arguments: &[&str]) -> Result<Vec<String>, String> {
        let arguments: Vec<OsString> = arguments.iter().map(OsString::from).collect();
        let shown = |word| match word {
            Word::Flag(name, _, value) => format!("{name}:{value}"),
            Word::Other(word) => word.to_string_lossy().into_owned(),
        };
        Ok(words(&arguments)?.into_iter().map(shown).collect())
    }

    #[test]
    fn flags_are_read_in_every_form_that_kaniko_takes() {
        for (arguments, expected) in [
            (&["--context=a", "--context", "b"][..], &["context:a", "context:b"][..]),
            (&["-c", "a", "-c=b", "-cc"], &["context:a", "context:b", "context:c"]),
            (&["-f", "-c"], &["dockerfile:-c"]),
            (&["--digest-file=", "--tar-path=a=b"], &["digest-file:", "tar-path:a=b"]),
            (&["--destination", "--cache=true", "-d", "x"], &["--destination", "--cache=true", "-d", "x"]),
            (&["--context-sub-path=x", "version"], &["--context-sub-path=x", "version"]),
            (&["--", "--context", "a"], &["--", "--context", "a"]),
            (&["-", "--", "-"], &["-", "--", "-"]),
        ] {
            assert_eq!(read(arguments).unwrap(), expected, "{arguments:?}");
        }
        for lacking in [&["--context"][..], &["-c"], &["--no-push", "--tar-path"]] {
            assert!(read(lacking).unwrap_err().contains("needs a value"), "{lacking:?}");
        }
    }

    #[test]
    fn only_named_variables_are_passed() {
        for (name, expected) in [
            ("AWS_REGION", true),
            ("CI", true),
            ("CI_REGISTRY", true),
            ("https_proxy", true),
            ("KANIKO_DIR", true),
            ("CIVIL", false),
            ("AWS", false),
            ("PATH", false),
            ("LD_PRELOAD", false),
            ("TOOLKIT_MIRROR", false),
        ] {
            assert_eq!(is_passed(name), expected, "{name}");
        }
    }
}
