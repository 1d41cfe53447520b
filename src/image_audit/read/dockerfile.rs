//! Reads Dockerfiles: the images that a build for all platforms needs.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{File, Findings, Setting};
use crate::format::dockerfile::{Build, Dockerfile, Image, On};
use crate::image_audit::CheckError;
use crate::image_audit::found::{Needs, NoteKind};
use crate::model::ImagePlatform;

/// The settings of a build.
pub(super) struct Given<'a> {
    pub(super) args: &'a BTreeMap<String, String>,
    pub(super) contexts: &'a BTreeMap<String, String>,
    pub(super) targets: &'a [ImagePlatform],
    /// Which platforms these are.
    pub(super) choice: PlatformChoice,
}

/// How the platforms of a build compare with those of the audit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PlatformChoice {
    /// They include all of them.
    All,
    /// They are some of them.
    Some,
    /// The file that names the build pins it to them.
    Pinned,
}

/// Reads a Dockerfile that no compose file builds.
pub(super) fn read_alone(file: &File, setting: &Setting<'_>, findings: &mut Findings) -> Result<(), CheckError> {
    let parsed = Dockerfile::read(&file.source.text);
    if let (true, Some(problem)) = (parsed.stages.is_empty(), parsed.problems.first()) {
        return Err(CheckError::Broken {
            path: file.source.path.clone().into(),
            line: file.source.line_of(problem.span.start),
            reason: problem.message.clone(),
        });
    }
    let none = BTreeMap::new();
    let given =
        Given { args: setting.build_args, contexts: &none, targets: setting.platforms, choice: PlatformChoice::All };
    read(file, &parsed, &given, findings);
    Ok(())
}

/// An image over all targets.
struct Gathered {
    image: Image,
    on: Vec<(ImagePlatform, On, bool)>,
}

/// Reads the images of a build. An image that the last stage needs for one platform only (`FROM base-${TARGETARCH}`)
/// counts for that platform; one that it never needs is for builds of other stages, and counts for all.
pub(super) fn read(file: &File, parsed: &Dockerfile, given: &Given<'_>, findings: &mut Findings) {
    for problem in &parsed.problems {
        findings.unread(file.location(&problem.span), &file.source.path, problem.message.clone());
    }
    let mut gathered: Vec<Gathered> = Vec::new();
    let mut index = HashMap::new();
    for target in given.targets {
        for image in parsed.images(&Build { given: given.args, contexts: given.contexts, target }) {
            let on = (target.clone(), image.on.clone(), image.reached);
            let at = *index.entry((image.span.start, image.name.clone())).or_insert(gathered.len());
            match gathered.get_mut(at) {
                Some(one) => one.on.push(on),
                None => gathered.push(Gathered { image, on: vec![on] }),
            }
        }
    }
    let reached: BTreeSet<usize> = gathered
        .iter()
        .filter(|one| one.on.iter().any(|(_, _, reached)| *reached))
        .map(|one| one.image.span.start)
        .collect();
    for mut one in gathered {
        if reached.contains(&one.image.span.start) {
            one.on.retain(|(_, _, reached)| *reached);
        }
        if one.on.is_empty() {
            continue;
        }
        let Image { name, written, span, role, .. } = one.image;
        let unknown =
            one.on.iter().find_map(|(_, on, _)| if let On::Unknown(reason) = on { Some(reason) } else { None });
        if let Some(reason) = unknown {
            let text = format!("{written} is fixed to an unknown platform: {reason}");
            findings.note(NoteKind::Pinned, file.location(&span), &written, text);
        }
        findings.add(name, &written, file.location(&span), role.as_str(), needs(&one.on, given));
    }
}

fn needs(on: &[(ImagePlatform, On, bool)], given: &Given<'_>) -> Needs {
    if on.iter().all(|(_, on, _)| *on == On::Builder) && given.choice != PlatformChoice::Pinned {
        return Needs::Any;
    }
    let mut is_pinned = given.choice == PlatformChoice::Pinned;
    let mut platforms: Vec<ImagePlatform> = Vec::new();
    for (target, on, _) in on {
        let platform = match on {
            On::Fixed(platform) => {
                is_pinned = true;
                platform
            }
            _ => target,
        };
        if !platforms.contains(platform) {
            platforms.push(platform.clone());
        }
    }
    if is_pinned {
        return Needs::Pinned(platforms);
    }
    let has_all = given.targets.iter().all(|target| platforms.contains(target));
    if given.choice == PlatformChoice::All && has_all { Needs::All } else { Needs::Only(platforms) }
}
