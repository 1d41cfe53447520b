//! Images: tags that move, releases past end of life, images that do not start a shell.

use super::rules as r;
use crate::format::gitlab_ci::Job;
use crate::lint::{Findings, Setting};

/// Repository, prefix of the tag, end of life (<https://endoflife.date>, read in November 2026).
const ENDS: &[(&str, &str, &str)] = &[
    ("fedora", "36", "2023-05-16"),
    ("fedora", "37", "2023-12-05"),
    ("fedora", "38", "2024-05-21"),
    ("fedora", "39", "2024-11-26"),
    ("fedora", "40", "2025-05-13"),
    ("ubuntu", "16.04", "2021-04-30"),
    ("ubuntu", "18.04", "2023-05-31"),
    ("ubuntu", "20.04", "2025-05-31"),
    ("debian", "stretch", "2022-06-30"),
    ("debian", "buster", "2024-06-30"),
    ("debian", "10", "2024-06-30"),
    ("centos", "7", "2024-06-30"),
    ("centos", "8", "2021-12-31"),
    ("dotnet/sdk", "6.0", "2024-11-12"),
    ("dotnet/sdk", "7.0", "2024-05-14"),
    ("dotnet/sdk", "8.0", "2026-11-10"),
    ("dotnet/sdk", "9.0", "2026-11-10"),
    ("node", "14", "2023-04-30"),
    ("node", "16", "2023-09-11"),
    ("node", "18", "2025-04-30"),
    ("node", "20", "2026-04-30"),
    ("python", "3.7", "2023-06-27"),
    ("python", "3.8", "2024-10-07"),
    ("python", "3.9", "2025-10-31"),
];

const MOVING: &[&str] =
    &["latest", "debug", "stable", "edge", "nightly", "slim", "alpine", "rootless", "lts", "current", "main", "master"];

pub(super) fn check(job: &Job<'_>, setting: &Setting, findings: &mut Findings) {
    let Some(node) = job.image().filter(|node| node.tag.is_none()) else { return };
    let Some(name) = node.text().map(|text| text.trim_matches(['“', '”'])).filter(|name| !name.is_empty()) else {
        return;
    };
    let (plain, digest) = name.split_once('@').map_or((name, false), |(plain, _)| (plain, true));
    let slash = plain.rfind('/').map_or(0, |at| at + 1);
    let (repository, tag) =
        plain[slash..].split_once(':').map_or((plain, None), |(short, tag)| (&plain[..slash + short.len()], Some(tag)));
    let kaniko = repository.contains("kaniko");
    if (kaniko || repository.ends_with("moby/buildkit")) && !job.has_entrypoint() {
        findings.report(
            &r::ENTRYPOINT,
            node.span.clone(),
            "add `entrypoint: [\"\"]`; otherwise the image starts its own program instead of the script",
        );
    }
    if repository.starts_with("gcr.io/kaniko-project/") {
        findings.report(
            &r::ARCHIVED,
            node.span.clone(),
            "this kaniko was archived in June 2025; use `ghcr.io/osscontainertools/kaniko`, buildah or BuildKit",
        );
    }
    if name.contains('$') {
        return;
    }
    if !digest && tag.is_none_or(|tag| MOVING.contains(&tag)) {
        let what = tag.map_or_else(|| "has no tag".to_owned(), |tag| format!("has the tag `{tag}`, which moves"));
        findings.report(
            &r::UNPINNED,
            node.span.clone(),
            format!("`{repository}` {what}; name a version or, better, a digest"),
        );
    }
    let of = |name: &str| {
        repository == name
            || repository.ends_with(&format!("library/{name}"))
            || (name.contains('/') && repository.ends_with(name))
    };
    let from = |tag: &str, start: &str| {
        tag.strip_prefix(start).is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_alphanumeric()))
    };
    let ended = ENDS.iter().find(|(name, start, _)| of(name) && tag.is_some_and(|tag| from(tag, start)));
    if let Some((_, _, end)) = ended
        && end.parse().is_ok_and(|end: crate::model::Date| end < setting.today)
    {
        findings.report(&r::ENDED, node.span.clone(), format!("`{plain}` reached end of life on {end}"));
    }
}
