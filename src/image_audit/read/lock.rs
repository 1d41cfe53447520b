//! `toolkit.lock`: the images of tools.

use serde::Deserialize;
use toml::Spanned;

use super::{File, Findings};
use crate::image_audit::CheckError;
use crate::image_audit::found::Needs;

/// The part of the lock that matters here; `project` has the full parser.
#[derive(Deserialize)]
struct Lock {
    #[serde(default)]
    tool: Vec<Tool>,
}

#[derive(Deserialize)]
struct Tool {
    name: String,
    image: Option<Spanned<String>>,
}

pub(super) fn read(file: &File, findings: &mut Findings) -> Result<(), CheckError> {
    let lock: Lock = toml::from_str(&file.source.text).map_err(|error| CheckError::Broken {
        path: file.source.path.clone().into(),
        line: file.source.line_of(error.span().map_or(0, |span| span.start)),
        reason: error.message().to_owned(),
    })?;
    for tool in lock.tool {
        if let Some(image) = tool.image {
            let role = format!("tool {}", tool.name);
            findings.add(Ok(image.as_ref().clone()), image.as_ref(), file.location(&image.span()), &role, Needs::All);
        }
    }
    Ok(())
}
