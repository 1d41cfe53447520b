//! Batches: dependencies between builds, and their machines.

use std::collections::{BTreeMap, BTreeSet};

use super::{Context, Findings, Level, Rule, Target};
use crate::lint::circle::{Waits, circle};

use crate::format::buildspec::images::{
    COMPUTE_TYPES, ENVIRONMENTS, LAMBDA_COMPUTE_TYPES, arch_of, environment_type, is_lambda_image, is_retired,
};
use crate::format::buildspec::{Batch, BatchEnv, BatchKind, Matrix, OnFailure, Task, Text};
use crate::lint::rule::rules;
use crate::lint::suggestion;
use crate::model::did_you_mean;

rules! {
    DUPLICATE = Rule {
        id: "TK190",
        level: Level::Error,
        target: Target::Buildspec,
        blocks: false,
        summary: "two builds with the same identifier",
        reason: "Identifiers distinguish the builds \
                 (https://docs.aws.amazon.com/codebuild/latest/userguide/batch-build-buildspec.html).",
        bad: "version: 0.2\nbatch:\n  build-list:\n    - identifier: a\n    - identifier: a\nphases:\n  build:\n    commands: [make]\n",
        good: "version: 0.2\nbatch:\n  build-list:\n    - identifier: a\n    - identifier: b\nphases:\n  build:\n    commands: [make]\n",
    };

    UNKNOWN_DEPENDENCY = Rule {
        id: "TK191",
        level: Level::Error,
        target: Target::Buildspec,
        blocks: false,
        summary: "a build depends on one that does not exist",
        reason: "`depend-on` names identifiers of the same graph \
                 (https://docs.aws.amazon.com/codebuild/latest/userguide/batch-build-buildspec.html).",
        bad: "version: 0.2\nbatch:\n  build-graph:\n    - identifier: a\n      depend-on: [b]\nphases:\n  build:\n    commands: [make]\n",
        good: "version: 0.2\nbatch:\n  build-graph:\n    - identifier: a\n      depend-on: [b]\n    - identifier: b\nphases:\n  build:\n    commands: [make]\n",
    };

    CYCLE = Rule {
        id: "TK192",
        level: Level::Error,
        target: Target::Buildspec,
        blocks: false,
        summary: "builds that depend on each other",
        reason: "None of them can start \
                 (https://docs.aws.amazon.com/codebuild/latest/userguide/batch-build-buildspec.html).",
        bad: "version: 0.2\nbatch:\n  build-graph:\n    - identifier: a\n      depend-on: [b]\n    - identifier: b\n      depend-on: [a]\nphases:\n  build:\n    commands: [make]\n",
        good: "version: 0.2\nbatch:\n  build-graph:\n    - identifier: a\n      depend-on: [b]\n    - identifier: b\nphases:\n  build:\n    commands: [make]\n",
    };

    MATRIX_ARCHITECTURES = Rule {
        id: "TK193",
        level: Level::Error,
        target: Target::Buildspec,
        blocks: false,
        summary: "a matrix mixes architectures",
        reason: "`type` is the same for all builds of a matrix; use `build-graph` or `build-list` \
                 (https://docs.aws.amazon.com/codebuild/latest/userguide/batch-build-buildspec.html#build-spec.batch.build-matrix).",
        bad: "version: 0.2\nbatch:\n  build-matrix:\n    dynamic:\n      env:\n        type: [LINUX_CONTAINER, ARM_CONTAINER]\nphases:\n  build:\n    commands: [make]\n",
        good: "version: 0.2\nbatch:\n  build-list:\n    - identifier: a\n      env: {type: LINUX_CONTAINER}\n    - identifier: b\n      env: {type: ARM_CONTAINER}\nphases:\n  build:\n    commands: [make]\n",
    };

    COMPUTE_AND_FLEET = Rule {
        id: "TK194",
        level: Level::Error,
        target: Target::Buildspec,
        blocks: false,
        summary: "a build names both a compute type and a fleet",
        reason: "They exclude each other \
                 (https://docs.aws.amazon.com/codebuild/latest/userguide/batch-build-buildspec.html).",
        bad: "version: 0.2\nbatch:\n  build-list:\n    - identifier: a\n      env: {compute-type: BUILD_GENERAL1_SMALL, fleet: macs}\nphases:\n  build:\n    commands: [make]\n",
        good: "version: 0.2\nbatch:\n  build-list:\n    - identifier: a\n      env: {fleet: macs}\nphases:\n  build:\n    commands: [make]\n",
    };

    IMAGE_ARCHITECTURE = Rule {
        id: "TK195",
        level: Level::Error,
        target: Target::Buildspec,
        blocks: false,
        summary: "an image that does not match the build's machine",
        reason: "An image runs only on its own architecture, and an image for Lambda only on Lambda compute; there is \
                 no Ubuntu image for ARM \
                 (https://docs.aws.amazon.com/codebuild/latest/userguide/build-env-ref-available.html).",
        bad: "version: 0.2\nbatch:\n  build-list:\n    - identifier: a\n      env: {type: ARM_CONTAINER, image: \"aws/codebuild/standard:8.0\"}\nphases:\n  build:\n    commands: [make]\n",
        good: "version: 0.2\nbatch:\n  build-list:\n    - identifier: a\n      env: {type: ARM_CONTAINER, image: \"aws/codebuild/amazonlinux-aarch64-standard:4.0\"}\nphases:\n  build:\n    commands: [make]\n",
    };

    COMPUTE_TYPE = Rule {
        id: "TK196",
        level: Level::Warning,
        target: Target::Buildspec,
        blocks: false,
        summary: "a compute type that does not exist",
        reason: "The API does not have it, although the guide's examples use GENERAL_LINUX_XLAGRE and ARM_LAMBDA_1GB \
                 (https://docs.aws.amazon.com/codebuild/latest/APIReference/API_ProjectEnvironment.html).",
        bad: "version: 0.2\nbatch:\n  build-list:\n    - identifier: a\n      env: {compute-type: BUILD_GENERAL1_TINY}\nphases:\n  build:\n    commands: [make]\n",
        good: "version: 0.2\nbatch:\n  build-list:\n    - identifier: a\n      env: {compute-type: BUILD_GENERAL1_SMALL}\nphases:\n  build:\n    commands: [make]\n",
    };

    COMPUTE_FOR_TYPE = Rule {
        id: "TK197",
        level: Level::Error,
        target: Target::Buildspec,
        blocks: false,
        summary: "a compute type that does not match the environment type",
        reason: "The BUILD_LAMBDA_… types are for Lambda compute, which takes no others \
                 (https://docs.aws.amazon.com/codebuild/latest/APIReference/API_ProjectEnvironment.html).",
        bad: "version: 0.2\nbatch:\n  build-list:\n    - identifier: a\n      env: {type: ARM_CONTAINER, compute-type: BUILD_LAMBDA_2GB}\nphases:\n  build:\n    commands: [make]\n",
        good: "version: 0.2\nbatch:\n  build-list:\n    - identifier: a\n      env: {type: ARM_LAMBDA_CONTAINER, compute-type: BUILD_LAMBDA_2GB}\nphases:\n  build:\n    commands: [make]\n",
    };

    ENVIRONMENT_TYPE = Rule {
        id: "TK198",
        level: Level::Error,
        target: Target::Buildspec,
        blocks: false,
        summary: "an environment type that does not exist",
        reason: "The API lists them \
                 (https://docs.aws.amazon.com/codebuild/latest/APIReference/API_ProjectEnvironment.html).",
        bad: "version: 0.2\nbatch:\n  build-list:\n    - identifier: a\n      env: {type: ARM64_CONTAINER}\nphases:\n  build:\n    commands: [make]\n",
        good: "version: 0.2\nbatch:\n  build-list:\n    - identifier: a\n      env: {type: ARM_CONTAINER}\nphases:\n  build:\n    commands: [make]\n",
    };

    KINDS = Rule {
        id: "TK199",
        level: Level::Error,
        target: Target::Buildspec,
        blocks: false,
        summary: "a batch that lists no builds, or lists them in several ways",
        reason: "The documented use is one of build-graph, build-list, build-matrix and build-fanout \
                 (https://docs.aws.amazon.com/codebuild/latest/userguide/batch-build-buildspec.html).",
        bad: "version: 0.2\nbatch:\n  fast-fail: true\nphases:\n  build:\n    commands: [make]\n",
        good: "version: 0.2\nbatch:\n  fast-fail: true\n  build-list:\n    - identifier: a\nphases:\n  build:\n    commands: [make]\n",
    };

    LAMBDA_PRIVILEGED = Rule {
        id: "TK200",
        level: Level::Error,
        target: Target::Buildspec,
        blocks: false,
        summary: "Lambda compute cannot be privileged",
        reason: "It has neither Docker nor root access \
                 (https://docs.aws.amazon.com/codebuild/latest/userguide/lambda.html).",
        bad: "version: 0.2\nbatch:\n  build-list:\n    - identifier: a\n      env: {type: ARM_LAMBDA_CONTAINER, privileged-mode: true}\nphases:\n  build:\n    commands: [make]\n",
        good: "version: 0.2\nbatch:\n  build-list:\n    - identifier: a\n      env: {type: ARM_CONTAINER, privileged-mode: true}\nphases:\n  build:\n    commands: [make]\n",
    };

    RETIRED_IMAGE = Rule {
        id: "TK201",
        level: Level::Warning,
        target: Target::Buildspec,
        blocks: false,
        summary: "an image that AWS no longer maintains",
        reason: "It gets no fixes, and is not cached on the build machines \
                 (https://docs.aws.amazon.com/codebuild/latest/userguide/build-env-ref-available.html).",
        bad: "version: 0.2\nbatch:\n  build-list:\n    - identifier: a\n      env: {image: \"aws/codebuild/standard:5.0\"}\nphases:\n  build:\n    commands: [make]\n",
        good: "version: 0.2\nbatch:\n  build-list:\n    - identifier: a\n      env: {image: \"aws/codebuild/standard:8.0\"}\nphases:\n  build:\n    commands: [make]\n",
    };

    NO_RETRY = Rule {
        id: "TK202",
        level: Level::Warning,
        target: Target::Buildspec,
        blocks: false,
        summary: "`on-failure` has no effect on this machine",
        reason: "It works neither on Lambda compute nor on reserved capacity \
                 (https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html).",
        bad: "version: 0.2\nbatch:\n  build-list:\n    - identifier: a\n      env: {fleet: macs}\nphases:\n  build:\n    on-failure: RETRY-2\n    commands: [make]\n",
        good: "version: 0.2\nbatch:\n  build-list:\n    - identifier: a\n      env: {type: ARM_CONTAINER}\nphases:\n  build:\n    on-failure: RETRY-2\n    commands: [make]\n",
    };
}

/// Names in the guide's own examples, and those that the API has.
const DOCUMENTED_COMPUTE: &[(&str, &str)] = &[
    ("GENERAL_LINUX_XLAGRE", "BUILD_GENERAL1_XLARGE"),
    ("ARM_LAMBDA_1GB", "BUILD_LAMBDA_1GB"),
    ("ARM_LAMBDA_2GB", "BUILD_LAMBDA_2GB"),
];

/// The longest circle that a message names in full.
const MOST_NAMED: usize = 8;

/// Checks the builds of a batch.
pub(super) fn check(context: &Context<'_>, findings: &mut Findings) {
    let Some(batch) = &context.buildspec.batch else { return };
    kinds(batch, findings);
    for (_, kind) in &batch.kinds {
        match kind {
            BatchKind::Graph(tasks) => {
                identifiers(tasks, findings);
                graph(tasks, findings);
            }
            BatchKind::List(tasks) => identifiers(tasks, findings),
            BatchKind::Matrix(matrix) => in_matrix(matrix, findings),
            BatchKind::Fanout { .. } => {}
        }
    }
    for task in batch.tasks() {
        machine(&task.env, findings);
    }
    for image in batch.images().into_iter().filter(|image| is_retired(&image.text)) {
        let message = format!("AWS no longer maintains `{}`", image.text);
        let finding = findings.report(&RETIRED_IMAGE, image.span.clone(), message);
        let selects_none = super::runtimes::runtimes(context).is_empty();
        let must_select = ["aws/codebuild/standard:2.0", "aws/codebuild/standard:3.0"].contains(&image.text.as_str());
        if selects_none && must_select {
            finding.says("YAML_FILE_ERROR Message: This build image requires selecting at least one runtime version.");
        }
    }
    retries(context, batch, findings);
}

fn kinds(batch: &Batch, findings: &mut Findings) {
    if batch.kinds.is_empty() {
        let message = "`batch` needs one of: `build-graph`, `build-list`, `build-matrix`, `build-fanout`";
        findings.report(&KINDS, batch.key.clone(), message);
    } else if let Some((second, _)) = batch.kinds.get(1) {
        findings.report(&KINDS, second.clone(), "a batch has one list of builds; this is the second");
    }
}

fn identifiers(tasks: &[Task], findings: &mut Findings) {
    let mut seen = BTreeSet::new();
    for identifier in tasks.iter().filter_map(|task| task.identifier.as_ref()) {
        if !seen.insert(identifier.text.as_str()) {
            let message = format!("another build already has the identifier `{}`", identifier.text);
            findings.report(&DUPLICATE, identifier.span.clone(), message);
        }
    }
}

fn graph(tasks: &[Task], findings: &mut Findings) {
    let mut waits: Waits<'_> = BTreeMap::new();
    for task in tasks {
        let Some(identifier) = &task.identifier else { continue };
        let awaited = task.depend_on.iter().map(|awaited| (awaited.text.as_str(), awaited.span.clone()));
        waits.entry(identifier.text.as_str()).or_default().extend(awaited);
    }
    for awaited in tasks.iter().flat_map(|task| &task.depend_on) {
        if !waits.contains_key(awaited.text.as_str()) {
            let near = did_you_mean(&awaited.text, waits.keys().copied());
            let hint = suggestion(near);
            let message = format!("no build of the graph has the identifier `{}`{hint}", awaited.text);
            findings.report(&UNKNOWN_DEPENDENCY, awaited.span.clone(), message);
        }
    }
    if let Some((link, path)) = circle(&waits) {
        let named =
            if path.len() > MOST_NAMED { format!("{} builds", path.len() - 1) } else { path.join(" waits for ") };
        findings.report(&CYCLE, link, format!("none of these can start: {named}"));
    }
}

fn in_matrix(matrix: &Matrix, findings: &mut Findings) {
    machine(&matrix.shared, findings);
    if let Some(span) = &matrix.dynamic_type {
        let message =
            "`type` must be the same within a matrix; use `build-graph` or `build-list` for several architectures";
        findings.report(&MATRIX_ARCHITECTURES, span.clone(), message);
    }
    let first = matrix.images.iter().find_map(|image| arch_of(&image.text));
    let other = matrix.images.iter().find(|image| arch_of(&image.text).is_some_and(|arch| Some(arch) != first));
    if let Some(image) = other {
        let message = format!("`{}` is for another architecture than the images before it", image.text);
        findings.report(&MATRIX_ARCHITECTURES, image.span.clone(), message);
    } else {
        for image in &matrix.images {
            image_on(image, matrix.shared.kind.as_ref(), findings);
        }
    }
    for compute in &matrix.compute_types {
        compute_on(compute, matrix.shared.kind.as_ref(), findings);
    }
}

fn machine(env: &BatchEnv, findings: &mut Findings) {
    if let (Some(_), Some(fleet)) = (&env.compute_type, &env.fleet) {
        findings.report(
            &COMPUTE_AND_FLEET,
            fleet.span.clone(),
            "`fleet` and `compute-type` exclude each other; remove one of them",
        );
    }
    if let Some(kind) =
        env.kind.as_ref().filter(|kind| environment_type(&kind.text).is_none() && !kind.text.contains('$'))
    {
        let near = did_you_mean(&kind.text, ENVIRONMENTS.iter().map(|known| known.name));
        let hint = suggestion(near);
        findings.report(
            &ENVIRONMENT_TYPE,
            kind.span.clone(),
            format!("there is no environment type `{}`{hint}", kind.text),
        );
    }
    if let Some(image) = &env.image {
        image_on(image, env.kind.as_ref(), findings);
    }
    if let Some(compute) = &env.compute_type {
        compute_on(compute, env.kind.as_ref(), findings);
    }
    let lambda = env.kind.as_ref().filter(|kind| environment_type(&kind.text).is_some_and(|known| known.lambda));
    if let Some(kind) = lambda.filter(|_| env.privileged == Some(true)) {
        findings.report(&LAMBDA_PRIVILEGED, kind.span.clone(), format!("`{}` has no privileged mode", kind.text));
    }
}

fn image_on(image: &Text, kind: Option<&Text>, findings: &mut Findings) {
    let Some(environment) = kind.and_then(|kind| environment_type(&kind.text)) else { return };
    let (Some(arch), ours) = (arch_of(&image.text), image.text.starts_with("aws/codebuild/")) else { return };
    let lambda = is_lambda_image(&image.text);
    let wrong = if arch != environment.arch || environment.os != "linux" {
        format!(
            "`{}` is for linux/{arch}, but {} is {}/{}",
            image.text, environment.name, environment.os, environment.arch
        )
    } else if ours && lambda != environment.lambda {
        let place = if lambda { "Lambda compute only" } else { "anything but Lambda compute" };
        format!("`{}` is for {place}, but the build runs on {}", image.text, environment.name)
    } else {
        return;
    };
    findings.report(&IMAGE_ARCHITECTURE, image.span.clone(), wrong);
}

fn compute_on(compute: &Text, kind: Option<&Text>, findings: &mut Findings) {
    let text = compute.text.as_str();
    let known = || COMPUTE_TYPES.iter().chain(LAMBDA_COMPUTE_TYPES).copied();
    if text.contains('$') {
        return;
    }
    if !known().any(|known| known == text) {
        let documented = DOCUMENTED_COMPUTE.iter().find(|(word, _)| *word == text).map(|(_, right)| *right);
        let near = documented.or_else(|| did_you_mean(text, known()));
        let hint = suggestion(near);
        findings.report(&COMPUTE_TYPE, compute.span.clone(), format!("there is no compute type `{text}`{hint}"));
        return;
    }
    let environment = kind.and_then(|kind| environment_type(&kind.text));
    if let Some(environment) = environment.filter(|environment| !environment.has_compute(text)) {
        let message = format!("`{text}` cannot be used with {}", environment.name);
        findings.report(&COMPUTE_FOR_TYPE, compute.span.clone(), message);
    }
}

/// Reports `on-failure` if every build that runs these phases is on Lambda or on a fleet.
fn retries(context: &Context<'_>, batch: &Batch, findings: &mut Findings) {
    let own: Vec<&Task> = batch.tasks().filter(|task| task.buildspec.is_none()).collect();
    let ignores = |task: &&Task| {
        let lambda = |kind: &Text| environment_type(&kind.text).is_some_and(|known| known.lambda);
        task.env.fleet.is_some() || task.env.kind.as_ref().is_some_and(lambda)
    };
    if own.is_empty() || !own.iter().all(ignores) {
        return;
    }
    for phase in &context.buildspec.phases {
        if let (Some(text), Some(OnFailure::Retry { .. } | OnFailure::Continue)) =
            (&phase.on_failure_text, &phase.on_failure)
        {
            let message = format!("`{}` has no effect on Lambda compute or reserved capacity", text.text);
            findings.report(&NO_RETRY, text.span.clone(), message);
        }
    }
}
