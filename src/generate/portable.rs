//! Installing with plain POSIX shell: curl, a checksum program and tar, pinned URLs and digests. Nothing is unpacked before
//! its digest is verified; toolkit is not needed where it runs.

use std::path::Path;

use super::pinned::{self, Pinned, artifacts, groups, unsupported};
use super::{Error, Project, Step, Tool};
use crate::model::{Artifact, Format};
use crate::project::pipeline::Architecture;
use crate::text::shell::{expanding, word};
use crate::toolchain::activate;

/// A placeholder for an install's folder while its activation is computed; not a path on any machine.
const ROOT: &str = "/toolkit-root-of-an-install";

/// The folder below which tools are unpacked: in the user's home, so that root is not needed.
const TOOLS: &str = "$HOME/.toolchains";

/// A folder of one tool, or of several that share it.
struct Root<'p> {
    /// The folder, with `$HOME` in it.
    folder: String,
    /// The tools, in the order in which they are unpacked.
    tools: Vec<&'p Tool<'p>>,
}

/// Returns the commands that install every locked tool and make it visible.
///
/// # Errors
/// When a file of the lock cannot be downloaded, verified or unpacked with plain shell.
pub(super) fn steps(project: &Project<'_>, target: &'static str) -> Result<Vec<Step>, Error> {
    let roots = roots(project);
    let mut cases = Vec::new();
    for architecture in &project.architectures {
        let mut lines = Vec::new();
        for root in &roots {
            for tool in &root.tools {
                for artifact in artifacts(tool, *architecture)? {
                    lines.push(fetch_line(project, tool, &artifact, &root.folder, target)?);
                }
            }
        }
        cases.push((*architecture, lines));
    }
    let folders: Vec<String> = roots.iter().map(|root| expanding(&root.folder)).collect();
    let names: Vec<String> =
        project.tools.iter().map(|tool| format!("{} {}", tool.toolchain.name(), tool.locked.version)).collect();
    let install = format!(
        "(\n{}  rm -rf {} || exit 1\n{})",
        fetch_function(UNPACK),
        folders.join(" "),
        by_machine(&cases, &names.join(", "), "  ")
    );
    let about = format!("Installs {}; toolkit.lock has the same URLs and digests.", names.join(", "));
    let mut steps = vec![Step::new(&about, install)];
    steps.extend(unset(project).map(|command| Step { comment: None, command }));
    for root in &roots {
        steps.push(Step { comment: None, command: visible(root, target)? });
    }
    Ok(steps)
}

/// Returns the commands that install toolkit itself: an executable, or a `.tar.gz` that contains it.
///
/// # Errors
/// When an architecture has none, or a URL or a digest cannot be used by plain shell.
pub(super) fn bootstrap(project: &Project<'_>, target: &'static str) -> Result<Vec<Step>, Error> {
    let mut cases = Vec::new();
    for (architecture, Pinned { url, checker, hex }) in pinned::bootstraps(project, target)? {
        let packed = [".tar.gz", ".tgz"].iter().any(|end| url.path().ends_with(end));
        let strip = if packed { "0" } else { "-" };
        let line = format!("fetch {} {checker} {hex} {strip} \"$folder/files\"", word(url.as_str()));
        cases.push((architecture, vec![line]));
    }
    let command = format!(
        "(\n  folder={folder}\n{fetch}  rm -rf \"$folder\" || exit 1\n{cases}  \
         program=$(find \"$folder/files\" -type f -name toolkit | head -n 1)\n  \
         [ -n \"$program\" ] || {{ echo \"the archive does not contain toolkit\" >&2; exit 1; }}\n  \
         chmod +x \"$program\" && mkdir -p \"$folder/bin\" && ln -sf \"$program\" \"$folder/bin/toolkit\" || exit 1\n)",
        folder = expanding(&format!("{TOOLS}/toolkit")),
        fetch = fetch_function(COPY_OR_UNPACK),
        cases = by_machine(&cases, "toolkit", "  "),
    );
    let visible = format!("export PATH={}", expanding(&format!("{TOOLS}/toolkit/bin:$PATH")));
    Ok(vec![
        Step::new("Downloads toolkit, which is verified before it is unpacked or run.", command),
        Step { comment: None, command: visible },
    ])
}

/// Returns the shell function that all downloads go through. It runs in a subshell, so that `exit` ends it and it leaves
/// nothing defined. For toolkit itself, `-` instead of a number of folders to drop means that the file is the program.
fn fetch_function(unpack: &str) -> String {
    let fetch = r#"  fetch() { # URL, checksum program, digest, leading folders to drop, destination
    archive=$(mktemp) || exit 1
    trap 'rm -f "$archive"' EXIT
    curl -fsSL --proto "=${1%%:*}" --retry 5 --retry-connrefused --connect-timeout 30 -o "$archive" "$1" || {
      echo "could not download $1" >&2; exit 1
    }
    printf '%s  %s\n' "$3" "$archive" | "$2" -c - >/dev/null || {
      echo "the digest of $1 does not match the one in this file; nothing was unpacked" >&2; exit 1
    }
    mkdir -p "$5" || exit 1
@@
    rm -f "$archive"
  }
"#;
    fetch.replace("@@", unpack)
}

const UNPACK: &str = r#"    tar -xzof "$archive" --strip-components="$4" -C "$5" || exit 1"#;

const COPY_OR_UNPACK: &str = r#"    case $4 in
      -) cp "$archive" "$5/toolkit" || exit 1 ;;
      *) tar -xzof "$archive" --strip-components="$4" -C "$5" || exit 1 ;;
    esac"#;

/// Assigns a folder to each group of tools.
fn roots<'p>(project: &'p Project<'p>) -> Vec<Root<'p>> {
    let root = |(name, tools): (&str, Vec<&'p Tool<'p>>)| {
        let versions: Vec<&str> = tools.iter().map(|tool| tool.locked.version.as_str()).collect();
        Root { folder: format!("{TOOLS}/{name}/{}", versions.join("_")), tools }
    };
    groups(project).into_iter().map(root).collect()
}

fn fetch_line(
    project: &Project<'_>,
    tool: &Tool<'_>,
    artifact: &Artifact,
    folder: &str,
    target: &'static str,
) -> Result<String, Error> {
    pinned::check(tool, target)?;
    let Pinned { url, checker, hex } = pinned::pinned(project, tool, artifact, target)?;
    if artifact.format != Format::TarGz {
        let (name, version) = (tool.toolchain.name(), &tool.locked.version);
        let file = artifact.file_name();
        let reason = format!("{name} {version} comes as {file}, and plain shell unpacks .tar.gz only; use \"toolkit\"");
        return Err(unsupported(target, reason));
    }
    let (url, folder) = (word(url.as_str()), expanding(folder));
    Ok(format!("fetch {url} {checker} {hex} {} {folder}", artifact.strip))
}

/// Writes what each architecture runs; other machines are refused.
fn by_machine(cases: &[(Architecture, Vec<String>)], what: &str, indent: &str) -> String {
    let mut text = format!("{indent}case \"$(uname -m)\" in\n");
    for (architecture, lines) in cases {
        text.push_str(&format!("{indent}  {})\n", architecture.machine()));
        for line in lines {
            text.push_str(&format!("{indent}    {line}\n"));
        }
        text.push_str(&format!("{indent}    ;;\n"));
    }
    let message = word(&format!("{what}: not locked for this machine:"));
    text.push_str(&format!("{indent}  *) echo {message} \"$(uname -m)\" >&2; exit 1 ;;\n{indent}esac\n"));
    text
}

/// Writes one `unset` for the variables that would redirect a tool to another install; none where there are no such variables.
fn unset(project: &Project<'_>) -> Option<String> {
    let mut names: Vec<&str> = Vec::new();
    for redirect in project.tools.iter().flat_map(|tool| tool.toolchain.card().redirected_by) {
        if redirect.is_identifier() && !names.contains(&redirect.name) {
            names.push(redirect.name);
        }
    }
    (!names.is_empty()).then(|| format!("unset {}", names.join(" ")))
}

/// Writes the activation of the tools of a folder as one `export`.
fn visible(root: &Root<'_>, target: &'static str) -> Result<String, Error> {
    let (mut paths, mut vars): (Vec<String>, Vec<(String, String)>) = (Vec::new(), Vec::new());
    for tool in &root.tools {
        let activation =
            activate(tool.toolchain.as_ref(), Path::new(ROOT), &tool.settings).map_err(|cause| Error::Value {
                key: format!("tools.{}.{}", tool.toolchain.name(), cause.name),
                value: cause.value.clone(),
                target,
                reason:
                    "a portable install cannot do this, since the tool is not installed yet; use `method = \"toolkit\"`"
                        .to_owned(),
            })?;
        let moved = |text: &str| text.replace(ROOT, &root.folder);
        for path in activation.paths.iter().map(|path| moved(&path.display().to_string())) {
            if !paths.contains(&path) {
                paths.push(path);
            }
        }
        for (name, value) in activation.vars.iter().map(|(name, value)| (name.clone(), moved(value))) {
            vars.retain(|(known, _)| *known != name);
            vars.push((name, value));
        }
    }
    paths.push("$PATH".to_owned());
    vars.insert(0, ("PATH".to_owned(), paths.join(":")));
    let words: Vec<String> = vars.iter().map(|(name, value)| format!("{name}={}", expanding(value))).collect();
    Ok(format!("export {}", words.join(" ")))
}
