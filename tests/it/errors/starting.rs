//! What stands against starting a build on CodeBuild.

use toolkit::codebuild::start::{Error, compute_type, environment_named};

use super::examples::{Section, section, text};

pub fn sections() -> Vec<Section> {
    vec![
        section(
            "codebuild::Error::UnknownMachine",
            [
                environment_named("ARM_CONTAINERS").unwrap_err().into(),
                compute_type("BUILD_GENERAL_SMALL").unwrap_err().into(),
                compute_type("huge").unwrap_err().into(),
            ],
        ),
        section(
            "codebuild::Error::NoSuchMachine",
            [Error::NoSuchMachine { project: text("web"), kind: text("LINUX_GPU_CONTAINER"), arch: "arm64" }.into()],
        ),
        section(
            "codebuild::Error::NoCounterpart",
            [Error::NoCounterpart { image: text("aws/codebuild/standard:5.0"), arch: "arm64" }.into()],
        ),
        section(
            "codebuild::Error::Unfit",
            [Error::Unfit {
                reason: text(
                    "`aws/codebuild/standard:7.0` is for linux/amd64 (Ubuntu is for amd64 only), and ARM_CONTAINER runs \
                     linux/arm64",
                ),
                hint: "override type and image together; `--arch` chooses both",
            }
            .into()],
        ),
    ]
}
