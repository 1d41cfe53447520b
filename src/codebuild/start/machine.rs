//! Moves machines to another architecture, and checks them
//! (<https://docs.aws.amazon.com/codebuild/latest/userguide/build-env-ref-compute-types.html>,
//! <https://docs.aws.amazon.com/codebuild/latest/userguide/lambda.html>).

use super::super::build::{BuildKind, Environment, id_of};
use super::super::service::{Cache, Start};
use super::Error;
use super::counterpart::{self, Counterpart};
use crate::format::buildspec::images::{
    self, COMPUTE_TYPES, ENVIRONMENTS, LAMBDA_COMPUTE_TYPES, arch_of, environment_type, is_lambda_image,
};
use crate::model::did_you_mean;

/// Compute types that only fleets have.
const OF_FLEETS: &[&str] = &["ATTRIBUTE_BASED_COMPUTE", "CUSTOM_INSTANCE_TYPE"];

/// Parses a compute type: `small`, `2gb`, or the API's name.
///
/// # Errors
/// When there is no such name.
pub fn compute_type(word: &str) -> Result<&'static str, Error> {
    let upper = word.to_ascii_uppercase();
    let all = || COMPUTE_TYPES.iter().chain(LAMBDA_COMPUTE_TYPES).copied();
    let short = |name: &str| {
        name.strip_prefix("BUILD_GENERAL1_").or_else(|| name.strip_prefix("BUILD_LAMBDA_")) == Some(&upper)
    };
    all().find(|name| *name == upper || short(name)).ok_or_else(|| Error::UnknownMachine {
        what: "compute type",
        word: word.to_owned(),
        near: did_you_mean(&upper, all()),
    })
}

/// Parses an environment type.
///
/// # Errors
/// When there is no such name.
pub fn environment_named(word: &str) -> Result<&'static str, Error> {
    let upper = word.to_ascii_uppercase();
    environment_type(&upper).map(|kind| kind.name).ok_or_else(|| Error::UnknownMachine {
        what: "environment type",
        word: word.to_owned(),
        near: did_you_mean(&upper, ENVIRONMENTS.iter().map(|known| known.name)),
    })
}

/// Overrides type, image and size together so that a build runs on an architecture; overrides nothing when the
/// project's machine already has it.
pub(super) fn move_to(
    start: &mut Start,
    arch: &'static str,
    own: &Environment,
    notes: &mut Vec<String>,
) -> Result<(), Error> {
    let known = environment_type(&own.kind);
    if known.is_some_and(|kind| kind.arch == arch) {
        return Ok(());
    }
    if let Some(fleet) = &own.fleet {
        return Err(Error::Unfit {
            reason: format!("the project builds on the fleet `{}`, which has no machines for {arch}", id_of(fleet)),
            hint: "use a project on demand, or one on a fleet of that architecture",
        });
    }
    let kind = counterpart::kind(&own.kind, arch).ok_or_else(|| Error::NoSuchMachine {
        project: start.project.clone(),
        kind: own.kind.clone(),
        arch,
    })?;
    start.environment_type = Some(kind.to_owned());
    // The same size, explicitly.
    start.compute.get_or_insert_with(|| own.compute.clone());
    if start.image.is_none() {
        start.image = Some(match counterpart::image(&own.image, arch) {
            Counterpart::Named(image) => image,
            Counterpart::OtherSystem(image) => {
                notes.push(format!(
                    "`{}` has no counterpart for {arch}: the build runs on Amazon Linux, `{image}`",
                    own.image
                ));
                image
            }
            Counterpart::Foreign => {
                notes.push(format!(
                    "`{}` is not an AWS image: it must also be for linux/{arch} (`toolkit image inspect` shows that)",
                    own.image
                ));
                own.image.clone()
            }
            Counterpart::Unknown => return Err(Error::NoCounterpart { image: own.image.clone(), arch }),
        });
    }
    Ok(())
}

/// Checks that the parts of a machine are compatible: the overrides, and otherwise the project's own, which may be
/// unknown.
pub(super) fn check(start: &Start, own: &Environment, build: BuildKind) -> Result<(), Error> {
    let kind = start.environment_type.as_deref().unwrap_or(&own.kind);
    // CodeBuild checks types that are newer than this program.
    let Some(kind) = environment_type(kind) else { return Ok(()) };
    let image = start.image.as_deref().unwrap_or(&own.image);
    let compute = start.compute.as_deref().unwrap_or(&own.compute);
    check_image(kind, image)?;
    if !compute.is_empty() {
        check_compute(kind, compute, start, own)?;
    }
    if kind.lambda {
        check_lambda(kind, start, own, build)?;
    }
    Ok(())
}

fn check_image(kind: &images::Environment, image: &str) -> Result<(), Error> {
    let Some(arch) = arch_of(image) else { return Ok(()) };
    let (name, hint) = (kind.name, "override type and image together; `--arch` chooses both");
    if arch != kind.arch || kind.os != "linux" {
        let ubuntu = if image.contains("codebuild/standard:") { " (Ubuntu is for amd64 only)" } else { "" };
        let reason = format!("`{image}` is for linux/{arch}{ubuntu}, and {name} runs {}/{}", kind.os, kind.arch);
        return Err(Error::Unfit { reason, hint });
    }
    let lambda = is_lambda_image(image);
    if image.starts_with("aws/codebuild/") && lambda != kind.lambda {
        let place = if lambda { "Lambda compute only" } else { "anything but Lambda compute" };
        return Err(Error::Unfit { reason: format!("`{image}` is for {place}, and the build runs on {name}"), hint });
    }
    Ok(())
}

fn check_compute(kind: &images::Environment, compute: &str, start: &Start, own: &Environment) -> Result<(), Error> {
    let known = COMPUTE_TYPES.iter().chain(LAMBDA_COMPUTE_TYPES).any(|known| *known == compute);
    if known && !kind.has_compute(compute) {
        return Err(Error::Unfit {
            reason: format!("`{compute}` is not available on {}", kind.name),
            hint: if kind.lambda {
                "on Lambda, use --compute 1gb to 10gb"
            } else {
                "add --compute small, or another size"
            },
        });
    }
    let elsewhere = !own.kind.is_empty() && own.kind != kind.name;
    if elsewhere
        && OF_FLEETS.contains(&compute)
        && start.compute.as_deref().is_none_or(|own_word| own_word == own.compute)
    {
        return Err(Error::Unfit {
            reason: format!("the project's compute type is that of a fleet ({compute}), which has no {}", kind.name),
            hint: "name a size that CodeBuild has on demand: --compute small",
        });
    }
    Ok(())
}

/// Lambda has neither root nor Docker, and its own limits.
fn check_lambda(kind: &images::Environment, start: &Start, own: &Environment, build: BuildKind) -> Result<(), Error> {
    let name = kind.name;
    let refuse = |reason: String, hint: &'static str| Err(Error::Unfit { reason, hint });
    if start.privileged.unwrap_or(own.privileged) {
        return refuse(
            format!("{name} has no privileged mode"),
            "leave out --privileged (--privileged=false if the project has it), or use LINUX_CONTAINER or ARM_CONTAINER",
        );
    }
    if (start.timeout.is_some() && build == BuildKind::Single) || start.queued_timeout.is_some() {
        return refuse(
            format!("on {name} a build ends after 15 minutes and does not queue: no timeout can be set"),
            "leave out --timeout and --queued-timeout",
        );
    }
    if start.cache.as_ref().is_some_and(|cache| *cache != Cache::Off) {
        return refuse(format!("{name} has no cache"), "leave out --cache");
    }
    Ok(())
}
