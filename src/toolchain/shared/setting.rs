//! Settings of a tool that a project may choose in addition to the version. Each tool declares its own.

use std::path::Path;

use super::super::Toolchain;
use crate::model::{Activation, Explain, Kind, Redirect};

/// A setting: `toolchain = "pin"` in `go = { version = "1.22", toolchain = "pin" }`.
#[derive(Debug)]
pub struct Setting {
    /// Its name in `toolkit.toml`.
    pub name: &'static str,
    /// What is chosen.
    pub about: &'static str,
    /// The values, the default first.
    pub values: &'static [SettingValue],
}

/// One value of a setting.
#[derive(Debug)]
pub struct SettingValue {
    /// Its spelling.
    pub name: &'static str,
    /// What it does.
    pub about: &'static str,
    /// Changes the activation of the install at the path. The error says why that is not possible.
    pub apply: fn(&Path, &mut Activation) -> Result<(), String>,
}

/// A setting that the tool does not have, or that cannot be applied to an install.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{tool} does not accept {name} = \"{value}\": {reason}")]
pub struct BadSetting {
    /// The tool.
    pub tool: String,
    /// The name of the setting.
    pub name: String,
    /// The value that was given.
    pub value: String,
    /// What is wrong with it, and what is expected.
    pub reason: String,
}

impl Explain for BadSetting {
    fn kind(&self) -> Kind {
        Kind::Usage
    }

    fn hints(&self) -> Vec<String> {
        vec!["nothing was changed; fix or remove the setting in toolkit.toml".to_owned()]
    }
}

/// Returns what makes an install at `root` visible, with the settings of the project applied. What would redirect the tool to
/// another install is unset.
///
/// # Errors
/// When the tool has no such setting or value, or the install lacks what the value needs.
pub fn activate(tool: &dyn Toolchain, root: &Path, settings: &[(String, String)]) -> Result<Activation, BadSetting> {
    let mut activation = tool.activation(root);
    for (name, value) in settings {
        find(tool, name, value)
            .and_then(|found| (found.apply)(root, &mut activation))
            .map_err(|reason| refusal(tool, name, value, reason))?;
    }
    let vars = &activation.vars;
    let is_unset = |redirect: &&Redirect| vars.iter().all(|(name, _)| name != redirect.name);
    activation.unset = tool.card().redirected_by.iter().filter(is_unset).copied().collect();
    Ok(activation)
}

/// Checks the settings of a project before there is an install to apply them to.
///
/// # Errors
/// When the tool has no such setting or value.
pub fn check(tool: &dyn Toolchain, settings: &[(String, String)]) -> Result<(), BadSetting> {
    for (name, value) in settings {
        find(tool, name, value).map_err(|reason| refusal(tool, name, value, reason))?;
    }
    Ok(())
}

fn refusal(tool: &dyn Toolchain, name: &str, value: &str, reason: String) -> BadSetting {
    BadSetting { tool: tool.name().to_owned(), name: name.to_owned(), value: value.to_owned(), reason }
}

fn find(tool: &dyn Toolchain, name: &str, value: &str) -> Result<&'static SettingValue, String> {
    let settings = tool.card().settings;
    let Some(setting) = settings.iter().find(|setting| setting.name == name) else {
        let known: Vec<_> = settings.iter().map(|setting| format!("`{}`", setting.name)).collect();
        return Err(match known.as_slice() {
            [] => "it has no settings".to_owned(),
            _ => format!("no such setting; expected one of: {}", known.join(", ")),
        });
    };
    setting.values.iter().find(|known| known.name == value).ok_or_else(|| {
        let known: Vec<_> = setting.values.iter().map(|value| value.name).collect();
        format!("expected one of: {}", known.join(", "))
    })
}
