//! An environment as text: for shells, CI systems, Dockerfiles and programs. Every value is quoted by the rules of its
//! reader, so that a path with a space or a quote stays one value.

use std::path::Path;

use clap::ValueEnum;

use crate::model::Activation;
use crate::text::shell::word;

/// The readers of an environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// bash, zsh, dash, ash: `eval "$(toolkit env)"`
    #[value(aliases = ["bash", "zsh"])]
    Sh,
    /// fish: `toolkit env --format fish | source`
    Fish,
    /// PowerShell: `toolkit env --format pwsh | Out-String | Invoke-Expression`
    Pwsh,
    /// JSON for programs
    Json,
    /// NAME=VALUE lines, as in GitLab's `artifacts: reports: dotenv`
    Dotenv,
    /// GitHub Actions: appends to the files that GITHUB_ENV and GITHUB_PATH name
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

/// Renders the activation for a reader. `path` is the current `PATH`, for readers that cannot refer to it.
pub(super) fn render(activation: &Activation, format: Format, path: Option<&str>) -> Result<String, Unrepresentable> {
    let folders: Vec<String> = activation.paths.iter().map(|folder| text(folder)).collect();
    let vars = &activation.vars;
    Ok(match format {
        Format::Sh => {
            let mut lines = lines(vars, |name, value| format!("export {name}={}", word(value)));
            if !folders.is_empty() {
                lines.push_str(&format!("export PATH={}:\"$PATH\"\n", word(&folders.join(":"))));
            }
            lines
        }
        Format::Fish => {
            let mut lines = lines(vars, |name, value| format!("set -gx {name} {}", fish(value)));
            if !folders.is_empty() {
                let folders: Vec<_> = folders.iter().map(|folder| fish(folder)).collect();
                lines.push_str(&format!("set -gx PATH {} $PATH\n", folders.join(" ")));
            }
            lines
        }
        Format::Pwsh => {
            let mut lines = lines(vars, |name, value| format!("$env:{name} = {}", pwsh(value)));
            for folder in folders.iter().rev() {
                lines.push_str(&format!("$env:PATH = {} + [IO.Path]::PathSeparator + $env:PATH\n", pwsh(folder)));
            }
            lines
        }
        Format::Json => {
            let vars: serde_json::Map<_, _> =
                vars.iter().map(|(name, value)| (name.clone(), value.clone().into())).collect();
            let value = serde_json::json!({ "paths": folders, "vars": vars });
            format!("{}\n", serde_json::to_string_pretty(&value).expect("strings and lists are JSON"))
        }
        Format::Dotenv => dotenv(vars, &folders, path)?,
        Format::Github => github(vars, &folders)?,
        Format::Dockerfile => dockerfile(vars, &folders)?,
    })
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

fn lines(vars: &[(String, String)], line: impl Fn(&str, &str) -> String) -> String {
    vars.iter().map(|(name, value)| format!("{}\n", line(name, value))).collect()
}

/// Quotes for fish: in single quotes only the quote and the backslash are special.
fn fish(value: &str) -> String {
    format!("'{}'", value.replace('\\', r"\\").replace('\'', r"\'"))
}

/// Quotes for PowerShell: in single quotes only the quote is special. It also takes the typographic ones as quotes.
fn pwsh(value: &str) -> String {
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

/// GitLab takes a dotenv report literally: no quotes, no references, so `PATH` stands there whole
/// (<https://docs.gitlab.com/ci/yaml/artifacts_reports/#artifactsreportsdotenv>).
fn dotenv(vars: &[(String, String)], folders: &[String], path: Option<&str>) -> Result<String, Unrepresentable> {
    let mut text = String::new();
    for (name, value) in vars {
        text.push_str(&format!("{name}={}\n", one_line(name, value, "dotenv")?));
    }
    if !folders.is_empty() {
        let whole: Vec<&str> = folders.iter().map(String::as_str).chain(path).collect();
        text.push_str(&format!("PATH={}\n", one_line("PATH", &whole.join(":"), "dotenv")?));
    }
    Ok(text)
}

/// GitHub's runner reads files; a here-document keeps any value whole, and this shell text appends to them.
fn github(vars: &[(String, String)], folders: &[String]) -> Result<String, Unrepresentable> {
    let mut text = String::new();
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

fn dockerfile(vars: &[(String, String)], folders: &[String]) -> Result<String, Unrepresentable> {
    let quoted = |name: &str, value: &str| -> Result<String, Unrepresentable> {
        let value = one_line(name, value, "a Dockerfile")?;
        let escaped: String =
            value.chars().flat_map(|c| if matches!(c, '"' | '\\' | '$') { vec!['\\', c] } else { vec![c] }).collect();
        Ok(escaped)
    };
    let mut text = String::new();
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
        }
    }

    /// Runs a shell on what `env` prints and reads back what it made of it.
    fn read_back(shell: &str, format: Format, path: &str) -> Option<String> {
        let script = render(&nasty(), format, Some("/usr/bin:/bin")).unwrap();
        let print = format!("printf '%s|%s|%s' \"$DOTNET_ROOT\" \"$GOTOOLCHAIN\" {path}");
        let output =
            Command::new(shell).arg("-c").arg(format!("{script}{print}")).env("PATH", "/usr/bin:/bin").output();
        match output {
            Ok(output) => Some(String::from_utf8(output.stdout).unwrap()),
            Err(cause) => {
                println!("skipped {shell}: {cause}");
                None
            }
        }
    }

    #[test]
    fn shells_read_back_exactly_what_was_meant() {
        let expected = "/opt/it's $(touch /tmp/x)|local|/opt/it's a \"tool\" $HOME `id` \\:/opt/go/bin:/usr/bin:/bin";
        for shell in ["sh", "bash", "dash", "zsh"] {
            if let Some(found) = read_back(shell, Format::Sh, "\"$PATH\"") {
                assert_eq!(found, expected, "{shell}");
            }
        }
        // PATH is a list in fish.
        if let Some(found) = read_back("fish", Format::Fish, "(string join : $PATH)") {
            assert_eq!(found, expected, "fish");
        }
    }

    #[test]
    fn every_format_quotes_by_its_own_rules() {
        let activation = nasty();
        let text = |format| render(&activation, format, Some("/bin")).unwrap();
        assert!(text(Format::Fish).contains(r"set -gx DOTNET_ROOT '/opt/it\'s $(touch /tmp/x)'"));
        assert!(text(Format::Fish).contains(r#"set -gx PATH '/opt/it\'s a "tool" $HOME `id` \\' '/opt/go/bin' $PATH"#));
        assert!(text(Format::Pwsh).contains("$env:DOTNET_ROOT = '/opt/it''s $(touch /tmp/x)'"));
        assert!(text(Format::Dotenv).contains("DOTNET_ROOT=/opt/it's $(touch /tmp/x)\n"));
        assert!(text(Format::Dotenv).ends_with(":/opt/go/bin:/bin\n"));
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
                assert_eq!(render(&activation, format, None).unwrap_err().name, "DOTNET_ROOT", "{value:?}");
            }
        }
    }

    #[test]
    fn powershell_and_github_put_the_first_folder_in_front() {
        let paths = vec!["/a\u{2019}s".into(), "/b".into()];
        let activation = Activation { paths, ..Activation::default() };
        // Both prepend line by line; PowerShell takes a typographic quote for the end of the text.
        assert_eq!(
            render(&activation, Format::Pwsh, None).unwrap(),
            "$env:PATH = '/b' + [IO.Path]::PathSeparator + $env:PATH\n\
             $env:PATH = '/a\u{2019}\u{2019}s' + [IO.Path]::PathSeparator + $env:PATH\n"
        );
        assert_eq!(
            render(&activation, Format::Github, None).unwrap(),
            "printf '%s\\n' /b >> \"$GITHUB_PATH\"\nprintf '%s\\n' '/a\u{2019}s' >> \"$GITHUB_PATH\"\n"
        );
    }
}
