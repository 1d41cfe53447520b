//! An environment as text: for shells, CI systems, Dockerfiles and programs. Every value is quoted by the rules of its
//! reader, so that a path with a space or a quote stays one value.

use std::path::Path;

use clap::ValueEnum;

use crate::model::{Activation, Redirect};
use crate::text::shell::word;

/// The readers of an environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// bash, zsh, dash, ash: `eval "$(toolkit env || echo false)"`
    #[value(aliases = ["bash", "zsh"])]
    Sh,
    /// fish: `toolkit env --format fish | source`
    Fish,
    /// PowerShell: `toolkit env --format pwsh | Out-String | Invoke-Expression`
    Pwsh,
    /// JSON for programs
    Json,
    /// NAME=VALUE lines, as in GitLab's `artifacts: reports: dotenv`; TOOLKIT_PATH instead of PATH, which is a machine's own
    Dotenv,
    /// GitHub Actions, for `eval` in a step: appends to the files that GITHUB_ENV and GITHUB_PATH name
    Github,
    /// ENV instructions for a Dockerfile
    Dockerfile,
}

/// A value that a reader has no spelling for.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the value of {name} has a line break, which {format} cannot represent")]
pub struct Unrepresentable {
    /// The variable.
    pub name: String,
    /// The reader, as it is called in a sentence.
    pub format: &'static str,
}

impl crate::model::Explain for Unrepresentable {
    fn kind(&self) -> crate::model::Kind {
        crate::model::Kind::Usage
    }

    fn hints(&self) -> Vec<String> {
        vec!["move the store to a folder without line breaks in its name: TOOLKIT_HOME".to_owned()]
    }
}

/// Renders the activation for a reader.
pub(super) fn render(activation: &Activation, format: Format) -> Result<String, Unrepresentable> {
    let folders: Vec<String> = activation.paths.iter().map(|folder| text(folder)).collect();
    let (vars, unset) = (&activation.vars, &activation.unset);
    Ok(match format {
        Format::Sh => sh(vars, unset, &folders),
        Format::Fish => fish(vars, unset, &folders),
        Format::Pwsh => pwsh(vars, unset, &folders),
        Format::Json => {
            let vars: serde_json::Map<_, _> =
                vars.iter().map(|(name, value)| (name.clone(), value.clone().into())).collect();
            let unset: Vec<&str> = unset.iter().map(|redirect| redirect.name).collect();
            let value = serde_json::json!({ "paths": folders, "vars": vars, "unset": unset });
            format!("{}\n", serde_json::to_string_pretty(&value).expect("strings and lists are JSON"))
        }
        Format::Dotenv => dotenv(vars, unset, &folders)?,
        Format::Github => github(vars, unset, &folders)?,
        Format::Dockerfile => dockerfile(vars, unset, &folders)?,
    })
}

/// Returns what makes the reader fail, where it runs what `toolkit env` prints: its exit status is lost in
/// `eval "$(toolkit env)"` and `toolkit env | source`. None for readers that run nothing.
pub(super) fn failing(format: Format) -> Option<&'static str> {
    match format {
        Format::Sh | Format::Fish | Format::Github => Some("false\n"),
        Format::Pwsh => Some("throw 'toolkit env failed'\n"),
        Format::Json | Format::Dotenv | Format::Dockerfile => None,
    }
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

fn lines(vars: &[(String, String)], line: impl Fn(&str, &str) -> String) -> String {
    vars.iter().map(|(name, value)| format!("{}\n", line(name, value))).collect()
}

/// Lists what a shell can unset. It does not pass on a variable of another name, such as `DOTNET_ROOT(x86)`.
fn nameable(unset: &[Redirect]) -> impl Iterator<Item = &Redirect> + Clone {
    unset.iter().filter(|redirect| redirect.is_identifier())
}

fn spaced<'a>(redirects: impl Iterator<Item = &'a Redirect>) -> String {
    redirects.map(|redirect| redirect.name).collect::<Vec<_>>().join(" ")
}

/// Run twice, it changes nothing: the folders are added unless `PATH` starts with them.
fn sh(vars: &[(String, String)], unset: &[Redirect], folders: &[String]) -> String {
    let mut text = String::new();
    let unset = spaced(nameable(unset));
    if !unset.is_empty() {
        text.push_str(&format!("unset {unset}\n"));
    }
    text.push_str(&lines(vars, |name, value| format!("export {name}={}", word(value))));
    if !folders.is_empty() {
        let (folders, start) = (word(&folders.join(":")), word(&format!("{}:", folders.join(":"))));
        text.push_str(&format!(
            "case \"${{PATH-}}:\" in {start}*) ;; *) export PATH={folders}\"${{PATH:+:$PATH}}\" ;; esac\n"
        ));
    }
    text
}

/// Run twice, it changes nothing: the folders leave their old places in `PATH`.
fn fish(vars: &[(String, String)], unset: &[Redirect], folders: &[String]) -> String {
    let mut text = String::new();
    let unset = spaced(nameable(unset));
    if !unset.is_empty() {
        text.push_str(&format!("for name in {unset}; set -q $name; and set -e $name; end\n"));
    }
    text.push_str(&lines(vars, |name, value| format!("set -gx {name} {}", fish_word(value))));
    if !folders.is_empty() {
        let folders = folders.iter().map(|folder| fish_word(folder)).collect::<Vec<_>>().join(" ");
        text.push_str(&format!(
            "begin; set -l others; for folder in $PATH; contains -- $folder {folders}; or set -a others $folder; end; \
             set -gx PATH {folders} $others; end\n"
        ));
    }
    // `set` passes on the status of the command before it (<https://fishshell.com/docs/current/cmds/set.html>).
    text.push_str("true\n");
    text
}

/// Quotes for fish: in single quotes only the quote and the backslash are special.
fn fish_word(value: &str) -> String {
    format!("'{}'", value.replace('\\', r"\\").replace('\'', r"\'"))
}

/// Run twice, it changes nothing: the folders leave their old places in `PATH`.
fn pwsh(vars: &[(String, String)], unset: &[Redirect], folders: &[String]) -> String {
    let mut text = String::new();
    for redirect in unset {
        let variable = pwsh_word(&format!("Env:{}", redirect.name));
        text.push_str(&format!("Remove-Item -LiteralPath {variable} -ErrorAction Ignore\n"));
    }
    text.push_str(&lines(vars, |name, value| format!("$env:{name} = {}", pwsh_word(value))));
    if !folders.is_empty() {
        let folders = folders.iter().map(|folder| pwsh_word(folder)).collect::<Vec<_>>().join(", ");
        text.push_str(&format!(
            "$env:PATH = (@({folders}) + @($env:PATH -split [IO.Path]::PathSeparator | \
             Where-Object {{ $_ -cnotin @({folders}) }})) -join [IO.Path]::PathSeparator\n"
        ));
    }
    text
}

/// Quotes for PowerShell: in single quotes only the quote is special. It also takes the typographic ones as quotes.
fn pwsh_word(value: &str) -> String {
    let doubled: String = value
        .chars()
        .flat_map(|c| std::iter::repeat_n(c, if matches!(c, '\'' | '\u{2018}'..='\u{201b}') { 2 } else { 1 }))
        .collect();
    format!("'{doubled}'")
}

fn one_line<'a>(name: &str, value: &'a str, format: &'static str) -> Result<&'a str, Unrepresentable> {
    if value.contains(['\n', '\r', '\0']) {
        return Err(Unrepresentable { name: name.to_owned(), format });
    }
    Ok(value)
}

/// GitLab takes a dotenv report literally: no quotes, no references, no comments
/// (<https://docs.gitlab.com/ci/yaml/artifacts_reports/#artifactsreportsdotenv>). The report reaches jobs on other machines, so
/// it never sets `PATH`: the folders of the tools are in `TOOLKIT_PATH`, for a job that has the same store. It cannot unset:
/// a variable becomes empty where the tool takes that for unset, and is left out where it does not.
fn dotenv(vars: &[(String, String)], unset: &[Redirect], folders: &[String]) -> Result<String, Unrepresentable> {
    let mut text = String::new();
    for redirect in nameable(unset).filter(|redirect| redirect.empty_is_unset) {
        text.push_str(&format!("{}=\n", redirect.name));
    }
    for (name, value) in vars {
        text.push_str(&format!("{name}={}\n", one_line(name, value, "dotenv")?));
    }
    if !folders.is_empty() {
        text.push_str(&format!("TOOLKIT_PATH={}\n", one_line("TOOLKIT_PATH", &folders.join(":"), "dotenv")?));
    }
    Ok(text)
}

/// GitHub's runner reads files; this shell text appends to them. Nothing unsets a variable for later steps: one becomes empty
/// where the tool takes that for unset, and the text fails where another is set.
fn github(vars: &[(String, String)], unset: &[Redirect], folders: &[String]) -> Result<String, Unrepresentable> {
    let (emptied, refused): (Vec<&Redirect>, Vec<&Redirect>) =
        nameable(unset).partition(|redirect| redirect.empty_is_unset);
    let mut text = String::new();
    if !refused.is_empty() {
        let set: String = refused.iter().map(|redirect| format!("${{{}+x}}", redirect.name)).collect();
        let message = format!(
            "::error::one of these variables is set and would redirect a tool; GITHUB_ENV cannot unset it, so remove it from \
             `env`: {}",
            spaced(refused.into_iter())
        );
        text.push_str(&format!("[ -z \"{set}\" ] || {{ printf '%s\\n' {}; false; }}\n", word(&message)));
    }
    for redirect in emptied {
        text.push_str(&format!("printf '%s\\n' {}= >> \"$GITHUB_ENV\"\n", redirect.name));
    }
    for (name, value) in vars {
        let line = format!("{name}={}", one_line(name, value, "GITHUB_ENV")?);
        text.push_str(&format!("printf '%s\\n' {} >> \"$GITHUB_ENV\"\n", word(&line)));
    }
    // The runner puts the last line of GITHUB_PATH first.
    for folder in folders.iter().rev() {
        let line = one_line("PATH", folder, "GITHUB_PATH")?;
        text.push_str(&format!("printf '%s\\n' {} >> \"$GITHUB_PATH\"\n", word(line)));
    }
    Ok(text)
}

/// `ENV` cannot unset: a variable becomes empty where the tool takes that for unset, and is left out where it does not.
fn dockerfile(vars: &[(String, String)], unset: &[Redirect], folders: &[String]) -> Result<String, Unrepresentable> {
    let quoted = |name: &str, value: &str| -> Result<String, Unrepresentable> {
        let value = one_line(name, value, "a Dockerfile")?;
        let escaped: String =
            value.chars().flat_map(|c| if matches!(c, '"' | '\\' | '$') { vec!['\\', c] } else { vec![c] }).collect();
        Ok(escaped)
    };
    let mut text = String::new();
    for redirect in nameable(unset).filter(|redirect| redirect.empty_is_unset) {
        text.push_str(&format!("ENV {}=\"\"\n", redirect.name));
    }
    for (name, value) in vars {
        text.push_str(&format!("ENV {name}=\"{}\"\n", quoted(name, value)?));
    }
    if !folders.is_empty() {
        text.push_str(&format!("ENV PATH=\"{}:$PATH\"\n", quoted("PATH", &folders.join(":"))?));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::process::Command;

    use super::*;

    fn nasty() -> Activation {
        Activation {
            paths: vec![PathBuf::from("/opt/it's a \"tool\" $HOME `id` \\"), PathBuf::from("/opt/go/bin")],
            vars: vec![
                ("DOTNET_ROOT".to_owned(), "/opt/it's $(touch /tmp/x)".to_owned()),
                ("GOTOOLCHAIN".to_owned(), "local".to_owned()),
            ],
            unset: vec![
                Redirect { name: "GOROOT", empty_is_unset: true },
                Redirect { name: "MSBuildSDKsPath", empty_is_unset: false },
                Redirect { name: "DOTNET_ROOT(x86)", empty_is_unset: true },
            ],
        }
    }

    const SHELLS: [(&str, Format); 6] = [
        ("sh", Format::Sh),
        ("bash", Format::Sh),
        ("dash", Format::Sh),
        ("zsh", Format::Sh),
        ("busybox", Format::Sh),
        ("fish", Format::Fish),
    ];

    /// Runs a script in a shell that is installed.
    fn run(shell: &str, script: &str) -> Option<std::process::Output> {
        let mut command = Command::new(shell);
        if shell == "busybox" {
            command.arg("ash");
        }
        let vars = [("PATH", "/usr/bin:/bin"), ("GOROOT", "/opt/go1.22"), ("MSBuildSDKsPath", "/old")];
        match command.arg("-c").arg(script).env_clear().envs(vars).output() {
            Ok(output) => Some(output),
            Err(cause) => {
                println!("skipped {shell}: {cause}");
                None
            }
        }
    }

    #[test]
    fn shells_read_back_exactly_what_was_meant_however_often_they_read_it() {
        let expected =
            "/opt/it's $(touch /tmp/x)|local|unset|unset|/opt/it's a \"tool\" $HOME `id` \\:/opt/go/bin:/usr/bin:/bin";
        for (shell, format) in SHELLS {
            let once = render(&nasty(), format).unwrap();
            let print = match format {
                Format::Fish => {
                    "set -q GOROOT; and set goroot set; or set goroot unset; set -q MSBuildSDKsPath; and set sdks set; or \
                     set sdks unset; printf '%s|%s|%s|%s|%s' $DOTNET_ROOT $GOTOOLCHAIN $goroot $sdks (string join : $PATH)"
                }
                _ => {
                    "printf '%s|%s|%s|%s|%s' \"$DOTNET_ROOT\" \"$GOTOOLCHAIN\" \"${GOROOT-unset}\" \
                     \"${MSBuildSDKsPath-unset}\" \"$PATH\""
                }
            };
            for times in 1..=3 {
                let strict = if format == Format::Sh { "set -eu\n" } else { "" };
                let Some(output) = run(shell, &format!("{strict}{}{print}", once.repeat(times))) else { continue };
                assert_eq!(String::from_utf8(output.stdout).unwrap(), expected, "{shell}, {times} times");
            }
        }
    }

    #[test]
    fn a_path_that_is_empty_or_not_set_stays_without_an_empty_folder() {
        let activation = Activation { paths: vec!["/opt/go/bin".into()], ..Activation::default() };
        let text = render(&activation, Format::Sh).unwrap();
        for before in ["PATH=", "unset PATH"] {
            let script = format!("set -eu\n{before}\n{text}{text}printf '%s' \"$PATH\"");
            for (shell, _) in SHELLS.into_iter().filter(|(_, format)| *format == Format::Sh) {
                let Some(output) = run(shell, &script) else { continue };
                assert_eq!(String::from_utf8(output.stdout).unwrap(), "/opt/go/bin", "{shell} after {before}");
            }
        }
    }

    #[test]
    fn what_is_printed_for_a_failure_fails_in_the_reader() {
        for (shell, format) in SHELLS {
            let text = failing(format).unwrap();
            let script = match format {
                Format::Fish => format!("printf '%s' '{text}' | source; or exit 9; echo goes on"),
                _ => format!("set -e; eval \"$(printf '%s' '{text}')\"; echo goes on"),
            };
            let Some(output) = run(shell, &script) else { continue };
            assert!(!output.status.success() && output.stdout.is_empty(), "{shell}: {output:?}");
        }
        assert!(failing(Format::Pwsh).unwrap().starts_with("throw "));
        assert_eq!(failing(Format::Json).or(failing(Format::Dotenv)).or(failing(Format::Dockerfile)), None);
    }

    #[test]
    fn readers_that_cannot_unset_get_an_empty_value_only_where_that_is_harmless() {
        let text = |format| render(&nasty(), format).unwrap();
        assert!(text(Format::Dotenv).starts_with("GOROOT=\nDOTNET_ROOT="), "{}", text(Format::Dotenv));
        assert!(text(Format::Dockerfile).starts_with("ENV GOROOT=\"\"\nENV DOTNET_ROOT="));
        assert!(text(Format::Github).contains("printf '%s\\n' GOROOT= >> \"$GITHUB_ENV\"\n"));
        for format in [Format::Dotenv, Format::Dockerfile] {
            assert!(!text(format).contains("MSBuildSDKsPath"), "{format:?}");
        }
        for (variable, passes) in [("MSBuildSDKsPath=/old", false), ("unset MSBuildSDKsPath", true)] {
            let files = "GITHUB_ENV=/dev/null; GITHUB_PATH=/dev/null";
            let script = format!("{variable}; {files}\nset -eu\n{}", text(Format::Github));
            let Some(output) = run("bash", &script) else { continue };
            assert_eq!(output.status.success(), passes, "{variable}: {output:?}");
            assert_eq!(String::from_utf8_lossy(&output.stdout).contains("::error::"), !passes, "{variable}");
        }
    }

    #[test]
    fn a_report_for_other_machines_has_no_path_of_this_one() {
        let text = render(&nasty(), Format::Dotenv).unwrap();
        assert!(text.lines().all(|line| !line.starts_with("PATH=")), "{text}");
        assert!(text.ends_with("\nTOOLKIT_PATH=/opt/it's a \"tool\" $HOME `id` \\:/opt/go/bin\n"), "{text}");
    }

    #[test]
    fn every_format_quotes_by_its_own_rules() {
        let activation = nasty();
        let text = |format| render(&activation, format).unwrap();
        assert!(text(Format::Fish).contains(r"set -gx DOTNET_ROOT '/opt/it\'s $(touch /tmp/x)'"));
        assert!(
            text(Format::Fish).contains(r#"set -gx PATH '/opt/it\'s a "tool" $HOME `id` \\' '/opt/go/bin' $others"#)
        );
        assert!(text(Format::Pwsh).contains("$env:DOTNET_ROOT = '/opt/it''s $(touch /tmp/x)'"));
        assert!(text(Format::Dotenv).contains("DOTNET_ROOT=/opt/it's $(touch /tmp/x)\n"));
        assert!(text(Format::Pwsh).contains("Remove-Item -LiteralPath 'Env:DOTNET_ROOT(x86)' -ErrorAction Ignore\n"));
        assert!(text(Format::Dockerfile).contains(r#"ENV DOTNET_ROOT="/opt/it's \$(touch /tmp/x)""#));
        assert!(
            text(Format::Dockerfile).contains(r#"ENV PATH="/opt/it's a \"tool\" \$HOME `id` \\:/opt/go/bin:$PATH""#)
        );
        assert!(text(Format::Github).contains(r"'DOTNET_ROOT=/opt/it'\''s $(touch /tmp/x)' >> "));
        let json: serde_json::Value = serde_json::from_str(&text(Format::Json)).unwrap();
        assert_eq!(json["vars"]["GOTOOLCHAIN"], "local");
        assert_eq!(json["paths"][1], "/opt/go/bin");
    }

    #[test]
    fn a_line_break_cannot_smuggle_in_a_variable() {
        let mut activation = nasty();
        for value in ["x\nEVIL=1", "x\rEVIL=1", "x\0EVIL=1"] {
            activation.vars[0].1 = value.to_owned();
            for format in [Format::Dotenv, Format::Github, Format::Dockerfile] {
                assert_eq!(render(&activation, format).unwrap_err().name, "DOTNET_ROOT", "{value:?}");
            }
        }
    }

    #[test]
    fn powershell_and_github_put_the_first_folder_in_front() {
        let paths = vec!["/a\u{2019}s".into(), "/b".into()];
        let activation = Activation { paths, ..Activation::default() };
        // PowerShell takes a typographic quote for the end of the text; the runner prepends line by line.
        assert_eq!(
            render(&activation, Format::Pwsh).unwrap(),
            "$env:PATH = (@('/a\u{2019}\u{2019}s', '/b') + @($env:PATH -split [IO.Path]::PathSeparator | \
             Where-Object { $_ -cnotin @('/a\u{2019}\u{2019}s', '/b') })) -join [IO.Path]::PathSeparator\n"
        );
        assert_eq!(
            render(&activation, Format::Github).unwrap(),
            "printf '%s\\n' /b >> \"$GITHUB_PATH\"\nprintf '%s\\n' '/a\u{2019}s' >> \"$GITHUB_PATH\"\n"
        );
    }
}
