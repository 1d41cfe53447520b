//! Reads Kubernetes manifests: the images of pods, and those that a kustomization sets.

use super::{File, Findings};
use crate::format::kubernetes::Image;
use crate::image_audit::found::Needs;

pub(super) fn read(file: &File, images: &[Image<'_>], findings: &mut Findings) {
    for image in images {
        let filled = ["$", "{{", "<%"].iter().find(|sign| image.name.contains(**sign));
        let name = match filled {
            Some(sign) => Err(format!("it is filled in elsewhere (`{sign}`)")),
            None => Ok(image.name.clone()),
        };
        let needs = if image.nodes.is_empty() { Needs::All } else { Needs::Pinned(image.nodes.clone()) };
        findings.add(name, &image.name, file.location(&image.node.span), image.kind, needs);
    }
}
