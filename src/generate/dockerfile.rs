//! A CI image with the locked toolchains, for either architecture from one file: the first stage downloads, verifies and
//! unpacks; the last contains only the trees. `RUN` stays plain, so that every builder understands it.

mod fetch;

use std::fmt::Write as _;
use std::path::Path;

use super::{Comments, Error, Generator, Output, Project, Tool};
use crate::project::pipeline::Method;
use crate::text::shell;

/// The target's name.
const TARGET: &str = "dockerfile";
/// Debian's image, from Amazon's mirror of Docker's official images, which has no pull limit.
const BASE: &str = "public.ecr.aws/docker/library/debian:trixie-slim";
/// Where the toolchains are, in every stage, so that links made in the first stage work in the last.
const TREES: &str = "/opt/toolchains";
/// Toolkit's store, in every stage.
const STORE: &str = "/opt/toolkit";

/// Generates the Dockerfile of a CI image.
#[derive(Debug)]
pub struct CiImage;

impl Generator for CiImage {
    fn name(&self) -> &'static str {
        TARGET
    }

    fn about(&self) -> &'static str {
        "a CI image with the locked toolchains, for amd64 and arm64"
    }

    fn generate(&self, project: &Project<'_>) -> Result<Vec<Output>, Error> {
        let image = Image::new(project)?;
        Ok(vec![Output { path: image.file.clone().into(), body: image.text()?, comments: Comments::Hash }])
    }
}

/// The settings of the image, each checked.
struct Image<'p> {
    project: &'p Project<'p>,
    file: String,
    base: String,
    packages: Vec<String>,
    user: Option<String>,
}

impl<'p> Image<'p> {
    fn new(project: &'p Project<'p>) -> Result<Self, Error> {
        if project.tools.is_empty() {
            let reason = "the tools of the image, such as `go = \"1.27\"`".to_owned();
            return Err(Error::Missing { key: "tools", target: TARGET, reason });
        }
        let settings = &project.pipeline.dockerfile;
        let base = settings.base.clone().unwrap_or_else(|| BASE.to_owned());
        check(
            "pipeline.dockerfile.base",
            &base,
            is_image,
            "an image is a name such as `debian:trixie-slim`, or has `@sha256:…`",
        )?;
        if base.contains("alpine") {
            return Err(Error::Unsupported {
                key: "pipeline.dockerfile.base",
                value: base,
                target: TARGET,
                reason:
                    "the locked toolchains need glibc, which Alpine does not have; Debian's slim images are small, too"
                        .to_owned(),
            });
        }
        let file = settings.file.clone().unwrap_or_else(|| "ci.Dockerfile".to_owned());
        check(
            "pipeline.dockerfile.file",
            &file,
            is_path,
            "a file below the project has letters, digits and any of `-_./`",
        )?;
        for package in &settings.packages {
            check(
                "pipeline.dockerfile.packages",
                package,
                is_package,
                "a package's name has letters, digits and any of `.+_:=~-`",
            )?;
        }
        if let Some(user) = &settings.user {
            check(
                "pipeline.dockerfile.user",
                user,
                is_user,
                "a user is a number, or a name of at most 32 lower-case letters, digits, `-` and `_`",
            )?;
        }
        let packages = if settings.packages.is_empty() && settings.base.is_none() {
            usual_packages(project)
        } else {
            settings.packages.clone()
        };
        Ok(Self {
            project,
            file,
            base,
            packages,
            user: settings.user.clone().filter(|user| user != "root" && user != "0"),
        })
    }

    fn text(&self) -> Result<String, Error> {
        let by_toolkit = self.by_toolkit();
        let mut text = String::from("# Downloads, verifies and unpacks. Only the trees of this stage are kept.\n");
        let _ = write!(text, "FROM {} AS toolchains\n{}", self.base, self.add(&self.downloader()?));
        text.push_str("# amd64 or arm64: the architecture to build for. Builders set it; if it is empty, the machine's own is used.\nARG TARGETARCH\n");
        text.push_str(&if by_toolkit { self.toolkit()? } else { self.portable()? });

        let _ = write!(text, "\nFROM {}\n", self.base);
        if !self.packages.is_empty() {
            text.push_str(&self.add(&self.packages));
        }
        let _ = writeln!(text, "COPY --from=toolchains {TREES} {TREES}");
        if by_toolkit {
            text.push_str(
                "# Toolkit itself and the links, which point into the store; it is at the same path as before.\n",
            );
            let _ = write!(
                text,
                "COPY --from=toolchains {STORE} {STORE}\nCOPY --from=toolchains /usr/local/bin /usr/local/bin\n"
            );
        }
        text.push_str(&self.environment(by_toolkit));
        if let Some(user) = &self.user {
            text.push_str(&user_lines(user));
        }
        let mut proofs: Vec<String> = Vec::new();
        for proof in self.project.tools.iter().filter_map(proof) {
            if !proofs.contains(&proof) {
                proofs.push(proof); // versions that share a root are listed by one command
            }
        }
        if !proofs.is_empty() {
            text.push_str("# The build fails here when a toolchain does not run.\n");
            let _ = writeln!(text, "RUN {}", proofs.join(" && \\\n    "));
        }
        Ok(text)
    }

    fn by_toolkit(&self) -> bool {
        let install = &self.project.pipeline.install;
        match install.method {
            Method::Toolkit => true,
            Method::Auto => !install.bootstrap.is_empty(),
            Method::Portable | Method::RuntimeVersions | Method::Image => false,
        }
    }

    /// Lists the packages that the first stage needs in addition to the base image.
    fn downloader(&self) -> Result<Vec<String>, Error> {
        let mut packages = vec!["ca-certificates".to_owned()];
        // Amazon's and Fedora's images have a small curl, with which the package `curl` conflicts.
        packages.extend(if self.has_dnf() { vec!["tar", "gzip"] } else { vec!["curl"] }.into_iter().map(str::to_owned));
        if !self.by_toolkit() && fetch::needs_xz(self.project)? {
            packages.push(if self.has_dnf() { "xz" } else { "xz-utils" }.to_owned());
        }
        packages.sort();
        Ok(packages)
    }

    fn has_dnf(&self) -> bool {
        ["amazonlinux", "fedora", "/ubi", "almalinux", "rockylinux", "centos"]
            .iter()
            .any(|name| self.base.contains(name))
    }

    /// Writes the step that adds packages, without files that differ from one build to the next.
    fn add(&self, packages: &[String]) -> String {
        let list = packages.iter().map(|package| shell::word(package)).collect::<Vec<_>>().join(" ");
        if self.has_dnf() {
            return format!(
                "RUN dnf install -y --setopt=install_weak_deps=False --setopt=tsflags=nodocs {list} && \\\n    dnf clean all && \\\n    rm -rf /var/cache/dnf /var/log/dnf* /var/log/hawkey.log\n"
            );
        }
        format!(
            "RUN apt-get update && \\\n    DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends {list} && \\\n    rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/cache/ldconfig/aux-cache /var/log/apt /var/log/dpkg.log\n"
        )
    }

    /// Writes the steps with which toolkit installs what the lock pins.
    fn toolkit(&self) -> Result<String, Error> {
        let mut text = String::new();
        if !self.project.pipeline.install.bootstrap.is_empty() {
            text.push_str(&fetch::bootstrap(self.project)?);
        }
        text.push_str("WORKDIR /project\nCOPY [\"toolkit.toml\", \"toolkit.lock\", \"./\"]\n");
        let mut files: Vec<&str> = self.project.tools.iter().filter_map(|tool| tool.locked.file.as_deref()).collect();
        let mut seen = std::collections::BTreeSet::new();
        files.retain(|file| seen.insert(*file));
        for file in files {
            check(
                "tools",
                file,
                is_path,
                "a project file that requires a tool must have a plain path, so that it can be copied",
            )?;
            let _ = writeln!(text, "COPY [\"{file}\", \"./{file}\"]");
        }
        let _ = write!(
            text,
            "ENV TOOLKIT_HOME={STORE}\nRUN toolkit install --locked --link /usr/local/bin && \\\n    mkdir -p {TREES} && \\\n"
        );
        for (name, executable) in self.roots() {
            // The root lies as many folders above the executable as its path in the root has parts.
            let mut inner = format!("\"$(readlink -f /usr/local/bin/{})\"", file_name(&executable));
            for _ in executable.components() {
                inner = format!("\"$(dirname {inner})\"");
            }
            let _ = writeln!(text, "    ln -s {inner} {TREES}/{name} && \\");
        }
        for name in self.placed() {
            let _ = writeln!(text, "    ln -s \"$(readlink -f {TREES}/{name}).placed\" {TREES}/{name}.placed && \\");
        }
        let _ = writeln!(text, "    rm -rf {STORE}/staging {STORE}/metadata {STORE}/locks");
        Ok(text)
    }

    /// Writes the steps that need only curl and tar.
    fn portable(&self) -> Result<String, Error> {
        fetch::trees(self.project, TREES)
    }

    /// Lists the folders under which toolchains are found, each with one of its executables.
    fn roots(&self) -> Vec<(String, std::path::PathBuf)> {
        let mut roots: Vec<(String, std::path::PathBuf)> = Vec::new();
        for tool in &self.project.tools {
            let platform = crate::model::Platform::new(crate::model::Os::Linux, crate::model::Arch::Amd64);
            let Some(executable) = tool.toolchain.card().executables_on(platform).into_iter().next() else { continue };
            let name = fetch::folder(tool);
            if roots.iter().all(|(known, _)| *known != name) {
                roots.push((name, executable));
            }
        }
        roots
    }

    /// Lists the folders of tools that have files beside their trees.
    fn placed(&self) -> Vec<String> {
        let has_placed = |tool: &&Tool<'_>| !tool.toolchain.card().layout.placed_files(Path::new(TREES)).is_empty();
        self.project.tools.iter().filter(has_placed).map(fetch::folder).collect()
    }

    fn environment(&self, by_toolkit: bool) -> String {
        let (mut paths, mut vars): (Vec<String>, Vec<(String, String)>) = (Vec::new(), Vec::new());
        for tool in &self.project.tools {
            let activation = tool.toolchain.activation(&Path::new(TREES).join(fetch::folder(tool)));
            for path in activation.paths.iter().map(|path| path.display().to_string()) {
                if !paths.contains(&path) {
                    paths.push(path);
                }
            }
            for (name, value) in activation.vars {
                if vars.iter().all(|(known, _)| *known != name) {
                    vars.push((name, value));
                }
            }
        }
        // `ENV` cannot unset. What the base image sets becomes empty where the tool takes that for unset.
        for redirect in self.project.tools.iter().flat_map(|tool| tool.toolchain.card().redirected_by) {
            let is_new = vars.iter().all(|(known, _)| known != redirect.name);
            if redirect.empty_is_unset && redirect.is_identifier() && is_new {
                vars.push((redirect.name.to_owned(), String::new()));
            }
        }
        let mut lines: Vec<String> = vars.iter().map(|(name, value)| format!("{name}={}", quoted(value))).collect();
        lines.sort();
        if by_toolkit {
            lines.push(format!("TOOLKIT_HOME={STORE}"));
        }
        // Tools that the project defines are linked into a folder that is on PATH anyway.
        if !paths.is_empty() {
            lines.push(format!("PATH=\"{}:$PATH\"", paths.join(":")));
        }
        if lines.is_empty() { String::new() } else { format!("ENV {}\n", lines.join(" \\\n    ")) }
    }
}

/// Lists the packages that most jobs need, and those that the tools need.
fn usual_packages(project: &Project<'_>) -> Vec<String> {
    let mut packages = vec!["ca-certificates", "git"];
    for package in project.tools.iter().flat_map(|tool| tool.toolchain.card().debian_packages) {
        if !packages.contains(package) {
            packages.push(package);
        }
    }
    packages.into_iter().map(str::to_owned).collect()
}

/// Writes the lines that switch from root to another user.
fn user_lines(user: &str) -> String {
    if user.starts_with(|c: char| c.is_ascii_digit()) {
        return format!("USER {user}\n");
    }
    format!(
        "RUN id -u {user} >/dev/null 2>&1 || useradd --create-home --shell /bin/sh {user}\nUSER {user}\nWORKDIR /home/{user}\n"
    )
}

fn proof(tool: &Tool<'_>) -> Option<String> {
    let words = tool.toolchain.card().smoke_test;
    (!words.is_empty()).then(|| words.iter().map(|word| shell::word(word)).collect::<Vec<_>>().join(" "))
}

fn file_name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// Quotes a value for `ENV`, where a backslash and a dollar are special in double quotes
/// (<https://docs.docker.com/reference/dockerfile/#environment-replacement>).
fn quoted(value: &str) -> String {
    let mut result = String::from("\"");
    for c in value.chars() {
        if matches!(c, '"' | '\\' | '$') {
            result.push('\\');
        }
        result.push(c);
    }
    result.push('"');
    result
}

fn check(key: &str, value: &str, holds: fn(&str) -> bool, rule: &str) -> Result<(), Error> {
    if holds(value) {
        return Ok(());
    }
    let (key, value, reason) = (key.to_owned(), value.to_owned(), rule.to_owned());
    Err(Error::Value { key, value, target: TARGET, reason })
}

fn is_image(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphanumeric()) && text.len() <= 512 && plain(text, "-_./:@")
}

fn is_path(text: &str) -> bool {
    plain(text, "-_./")
        && text.split('/').all(|part| !part.is_empty() && part != ".." && part != "." && !part.starts_with('-'))
}

fn is_package(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphanumeric()) && text.len() <= 200 && plain(text, ".+_:=~-")
}

fn is_user(text: &str) -> bool {
    let name = text.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
        && text.len() <= 32
        && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_');
    let number = |text: &str| (1..=10).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    name || text.split_once(':').map_or(number(text), |(user, group)| number(user) && number(group))
}

fn plain(text: &str, more: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || more.contains(c))
}
