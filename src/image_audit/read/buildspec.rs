//! Reads buildspecs: the images of a batch, and those of plain `docker run` and `docker pull` commands.

use super::commands::pulled;
use super::{File, Findings};
use crate::format::buildspec::images::environment_type;
use crate::format::buildspec::{Buildspec, Text};
use crate::image_audit::found::Needs;
use crate::model::ImagePlatform;

pub(super) fn read(file: &File, buildspec: &Buildspec, findings: &mut Findings) {
    for (image, kind) in batch(buildspec) {
        let name = if image.text.contains('$') {
            Err("CodeBuild does not expand variables there".to_owned())
        } else {
            Ok(image.text.clone())
        };
        findings.add(name, &image.text, file.location(&image.span), "build of the batch", machine(kind));
    }
    for (phase, command) in buildspec.commands() {
        for image in pulled(&command.text) {
            // The position in the command; folded or quoted text may differ from the file.
            let inside = file.source.text.get(command.span.clone()).and_then(|text| text.find(&image));
            let start = command.span.start + inside.unwrap_or(0);
            let role = format!("command of {}", phase.name.as_str());
            findings.add(Ok(image.clone()), &image, file.location(&(start..start)), &role, Needs::All);
        }
    }
}

/// Lists the images of a batch with their environment types.
fn batch(buildspec: &Buildspec) -> Vec<(&Text, Option<&Text>)> {
    let Some(batch) = &buildspec.batch else { return Vec::new() };
    let mut found: Vec<_> =
        batch.tasks().filter_map(|task| Some((task.env.image.as_ref()?, task.env.kind.as_ref()))).collect();
    if let Some(matrix) = batch.matrix() {
        let images = matrix.images.iter().chain(&matrix.shared.image);
        found.extend(images.map(|image| (image, matrix.shared.kind.as_ref())));
    }
    found
}

/// Returns the required platforms of a build's image: that of its environment type, if one is set.
fn machine(kind: Option<&Text>) -> Needs {
    match kind.and_then(|kind| environment_type(&kind.text)) {
        Some(machine) => Needs::Only(vec![ImagePlatform::new(machine.os, machine.arch, None)]),
        None => Needs::All,
    }
}
