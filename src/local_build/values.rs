//! Asks the shell what a text means: variables, and commands in `$(…)`.

use std::process::Stdio;

use super::error::Error;
use super::session::ShellConfig;
use crate::text::shell::word;

/// Returns texts as the shell expands them, with the variables after the last command. A text that the shell cannot read stays
/// as it is.
pub(super) fn expand(texts: &[&str], shell_config: &ShellConfig) -> Result<Vec<String>, Error> {
    if !texts.iter().any(|text| text.contains(['$', '`'])) {
        return Ok(texts.iter().map(|text| (*text).to_owned()).collect());
    }
    // In a here-document quotes are not quotes, and expansions are expanded.
    let end = format!("TOOLKIT_{:016x}", fastrand::u64(..));
    let script: String = texts
        .iter()
        .map(|text| {
            let text = text.replace('\n', " ");
            format!("{{ IFS= read -r {end}; printf '%s\\0' \"${end}\"; }} <<{end}\n{text}\n{end}\n")
        })
        .collect();
    let found = ask(&script, shell_config)?;
    Ok(if found.len() == texts.len() { found } else { texts.iter().map(|text| (*text).to_owned()).collect() })
}

/// Returns the values of variables after the last command; none for one that is not set.
pub(super) fn variables(names: &[&str], shell_config: &ShellConfig) -> Result<Vec<Option<String>>, Error> {
    let script: String = names.iter().map(|name| format!("printf '%s\\0' \"${{{name}+=}}${{{name}-}}\"\n")).collect();
    let found = ask(&script, shell_config)?;
    Ok((0..names.len()).map(|index| Some(found.get(index)?.strip_prefix('=')?.to_owned())).collect())
}

fn ask(script: &str, shell_config: &ShellConfig) -> Result<Vec<String>, Error> {
    let state = shell_config.control_dir.state();
    let resume = if state.exists() { format!(". {}\n", word(&state.to_string_lossy())) } else { String::new() };
    let mut command = shell_config.command();
    command.arg("-c").arg(format!("{resume}{script}")).stderr(Stdio::null());
    let output = command.output().map_err(|source| Error::Start { program: "sh".to_owned(), source })?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut parts: Vec<String> = text.split('\0').map(str::to_owned).collect();
    parts.pop();
    Ok(parts)
}
