//! The likely causes of failed builds, found by the phase's error code and message, and what to do about them.
//!
//! There is no list of all codes and messages; these were reported by users
//! (<https://docs.aws.amazon.com/codebuild/latest/userguide/troubleshooting.html>, and the thread above each row).

use crate::codebuild::{Context, Phase, Status};

/// The likely cause of a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cause {
    /// The code of the phase's context; any when empty.
    pub code: &'static str,
    /// A part of its message, in lower case; any when empty.
    pub message: &'static str,
    pub why: &'static str,
    pub remedy: &'static str,
}

/// The known causes. The first match wins, so special causes come before general ones.
pub const CAUSES: &[Cause] = &[
    Cause {
        code: "YAML_FILE_ERROR",
        message: "no such file or directory",
        why: "the buildspec is not in the source at this path, or in this branch",
        remedy: "set the project's buildspec path as seen from the root of the source, or start with --source-version or \
                 --buildspec",
    },
    Cause {
        code: "YAML_FILE_ERROR",
        message: "does not exist",
        why: "the buildspec is not in the source at this path, or in this branch",
        remedy: "set the project's buildspec path as seen from the root of the source, or start with --source-version or \
                 --buildspec",
    },
    // https://github.com/aws-samples/aws-container-devsecops-workshop/issues/7
    Cause {
        code: "YAML_FILE_ERROR",
        message: "wrong number of container tags",
        why: "a key of the buildspec has the wrong indentation, so that it is outside or inside of another one",
        remedy: "`toolkit lint buildspec.yml` shows the line",
    },
    Cause {
        code: "YAML_FILE_ERROR",
        message: "cannot start any token",
        why: "a line is indented with a tab, which YAML forbids, or begins with @, ` or %",
        remedy: "indent with spaces and quote the value; `toolkit lint --fix buildspec.yml` does it",
    },
    // https://github.com/aws-samples/bedrock-chat/issues/441
    Cause {
        code: "YAML_FILE_ERROR",
        message: "did not find expected",
        why: "a bracket, a brace or a quote is not closed, or a command begins with one",
        remedy: "quote the command, or write it as a block after `|`; `toolkit lint buildspec.yml` shows the line",
    },
    Cause {
        code: "YAML_FILE_ERROR",
        message: "to be of string type",
        why: "a command contains `: ` or begins with `{`, so that YAML reads it as a key with a value",
        remedy: "quote the command, or write it as a block after `|`; `toolkit lint --fix buildspec.yml` does it",
    },
    // https://github.com/awslabs/open-data-registry/issues/1082
    Cause {
        code: "YAML_FILE_ERROR",
        message: "unknown runtime version",
        why: "the image does not contain this version of the runtime",
        remedy: "use a version that the message names or a newer image, or install it in the buildspec with `toolkit install`",
    },
    Cause {
        code: "YAML_FILE_ERROR",
        message: "requires selecting at least one runtime version",
        why: "this old image requires `runtime-versions` in the install phase",
        remedy: "add `runtime-versions`, or use a newer image (amazonlinux-x86_64-standard:5.0, standard:7.0 or later)",
    },
    Cause {
        code: "YAML_FILE_ERROR",
        message: "",
        why: "CodeBuild cannot read the buildspec",
        remedy: "`toolkit lint buildspec.yml` says what is wrong, with line and column",
    },
    Cause {
        code: "COMMAND_EXECUTION_ERROR",
        message: "exit status 137",
        why: "the command was killed, usually because memory ran out",
        remedy: "use a larger compute type (--compute BUILD_GENERAL1_LARGE), or run fewer things in parallel",
    },
    Cause {
        code: "COMMAND_EXECUTION_ERROR",
        message: "exit status 127",
        why: "the command, or one that it calls, is not installed in the image",
        remedy: "install it in the install phase, or use an image that has it",
    },
    Cause {
        code: "COMMAND_EXECUTION_ERROR",
        message: "exit status 126",
        why: "the file cannot be executed: it lacks the permission, or is for another architecture",
        remedy: "`git update-index --chmod=+x FILE`; on ARM use the arm64 build of the program",
    },
    Cause {
        code: "COMMAND_EXECUTION_ERROR",
        message: "exec format error",
        why: "the program is built for another architecture than the build runs on",
        remedy: "use the program for the build's architecture, or start with --arch",
    },
    Cause {
        code: "COMMAND_EXECUTION_ERROR",
        message: "cannot connect to the docker daemon",
        why: "the build may not run containers",
        remedy: "start with --privileged, or set privileged mode in the project",
    },
    Cause {
        code: "COMMAND_EXECUTION_ERROR",
        message: "",
        why: "the command failed; its output is in the log above",
        remedy: "run it here: `toolkit build local`",
    },
    // Docker Hub counts pulls by address, and CodeBuild's addresses are shared.
    Cause {
        code: "BUILD_CONTAINER_UNABLE_TO_PULL_IMAGE",
        message: "toomanyrequests",
        why: "Docker Hub limits pulls without an account, and the addresses of CodeBuild are shared",
        remedy: "pull from public.ecr.aws or your own registry, or give the project registry credentials",
    },
    Cause {
        code: "BUILD_CONTAINER_UNABLE_TO_PULL_IMAGE",
        message: "no matching manifest",
        why: "the image is not built for the architecture of the environment",
        remedy: "`toolkit image inspect IMAGE` shows its platforms; choose --arch or another image",
    },
    Cause {
        code: "BUILD_CONTAINER_UNABLE_TO_PULL_IMAGE",
        message: "",
        why: "the image of the environment cannot be pulled: its name, the access to it, or the network",
        remedy: "check the image, and that the role may pull it: private images need imagePullCredentialsType SERVICE_ROLE, \
                 and in ECR a policy for the role",
    },
    Cause {
        code: "VPC_CLIENT_ERROR",
        message: "requestlimitexceeded",
        why: "EC2 throttles the requests that CodeBuild makes for network interfaces in this account",
        remedy: "start fewer builds at once, or again in a minute",
    },
    Cause {
        code: "VPC_CLIENT_ERROR",
        message: "unauthorizedoperation",
        why: "the project's role may not make network interfaces in the VPC",
        remedy: "allow it ec2:CreateNetworkInterface, ec2:CreateNetworkInterfacePermission, ec2:DeleteNetworkInterface and \
                 the ec2:Describe… actions of CodeBuild's guide on VPCs",
    },
    Cause {
        code: "VPC_CLIENT_ERROR",
        message: "",
        why: "CodeBuild cannot use the VPC of the project: a subnet, a security group or an address is missing",
        remedy: "check that the subnets are private, have free addresses and a NAT gateway, and that the group belongs to them",
    },
    Cause {
        code: "ACCOUNT_LIMIT_EXCEEDED",
        message: "",
        why: "the account may not run more builds of this kind at once",
        remedy: "wait for others to end, or request a higher quota of concurrent builds",
    },
    Cause {
        code: "",
        message: "cannot have more than",
        why: "the account may not run more builds of this kind at once; new accounts have very few",
        remedy: "wait for others to end, or request a higher quota of concurrent builds",
    },
    Cause {
        code: "CLIENT_ERROR",
        message: "no matching artifact paths found",
        why: "the files that `artifacts` names are not there, because the build failed before, or by their pattern",
        remedy: "look at the first phase that failed; try the patterns with `toolkit build local --artifacts out`",
    },
    Cause {
        code: "CLIENT_ERROR",
        message: "accessdenied",
        why: "the project's role lacks a permission",
        remedy: "add the action that the message names to the role; `toolkit build permissions` lists the required ones",
    },
    Cause {
        code: "CLIENT_ERROR",
        message: "authentication",
        why: "CodeBuild may not read the source",
        remedy: "connect the project to the source again: the token or the connection has expired or lacks access",
    },
    Cause {
        code: "CLIENT_ERROR",
        message: "reference not found",
        why: "the branch, tag or commit is not in the source",
        remedy: "check --source-version",
    },
    Cause {
        code: "CLIENT_ERROR",
        message: "",
        why: "the project or its role does not meet CodeBuild's requirements",
        remedy: "see the message; `toolkit build permissions` lists what the role needs",
    },
];

/// Finds the likely cause of an error.
#[must_use]
pub fn cause(context: &Context) -> Option<&'static Cause> {
    let message = context.message.to_lowercase();
    CAUSES.iter().find(|cause| (cause.code.is_empty() || cause.code == context.code) && message.contains(cause.message))
}

/// Explains a status for which no phase has a cause: what it means, and what to do.
#[must_use]
pub fn ending(status: &Status) -> Option<(&'static str, &'static str)> {
    match status {
        Status::TimedOut => Some((
            "the build reached its time limit, in its commands or in the queue",
            "raise the limit (--timeout MINUTES), or see in the log above what it was doing; a command that waits for input \
             never ends",
        )),
        Status::Fault => Some((
            "CodeBuild failed, not the build",
            "start it again; when it happens again, look at the AWS Health Dashboard",
        )),
        Status::Stopped => Some(("the build was stopped", "start it again with `toolkit build start`")),
        _ => None,
    }
}

/// Returns the phases that failed.
pub fn failed(phases: &[Phase]) -> impl Iterator<Item = &Phase> {
    // moto repeats phases; each failure is reported once.
    phases.iter().enumerate().filter_map(|(index, phase)| {
        let bad = phase.status.as_ref().is_some_and(|status| status.is_over() && *status != Status::Succeeded);
        let first = phases[..index].iter().all(|other| other.name != phase.name || other.status != phase.status);
        let mark =
            phase.contexts.is_empty() && ["COMPLETED", "FAILED", "STOPPED", "FINALIZING"].contains(&&*phase.name);
        (bad && first && !mark).then_some(phase)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What CodeBuild says, and a word of the cause that is meant.
    const CASES: &[(&str, &str, &str)] = &[
        (
            "YAML_FILE_ERROR",
            "stat /codebuild/output/src1/src/buildspec.yml: no such file or directory",
            "not in the source",
        ),
        ("YAML_FILE_ERROR", "YAML file does not exist", "not in the source"),
        ("YAML_FILE_ERROR", "wrong number of container tags, expected 1", "wrong indentation"),
        ("YAML_FILE_ERROR", "yaml: line 7: found character that cannot start any token", "with a tab"),
        ("YAML_FILE_ERROR", "yaml: line 12: did not find expected ',' or ']'", "not closed"),
        (
            "YAML_FILE_ERROR",
            "Expected Commands[0] to be of string type: found subkeys instead at line 6, value of the key tag on line 5 \
             might be empty",
            "as a key with a value",
        ),
        (
            "YAML_FILE_ERROR",
            "Unknown runtime version named '10' of nodejs. This build image has the following versions: 12, 14",
            "does not contain this version",
        ),
        ("YAML_FILE_ERROR", "This build image requires selecting at least one runtime version.", "old image"),
        ("YAML_FILE_ERROR", "Phases must be a mapping", "cannot read the buildspec"),
        ("COMMAND_EXECUTION_ERROR", "Error while executing command: make. Reason: exit status 137", "memory"),
        ("COMMAND_EXECUTION_ERROR", "Error while executing command: mkae. Reason: exit status 127", "not installed"),
        (
            "COMMAND_EXECUTION_ERROR",
            "Error while executing command: ./x. Reason: exit status 126",
            "cannot be executed",
        ),
        ("COMMAND_EXECUTION_ERROR", "fork/exec ./x: exec format error", "another architecture"),
        ("COMMAND_EXECUTION_ERROR", "Cannot connect to the Docker daemon at unix:///var/run", "may not run containers"),
        ("COMMAND_EXECUTION_ERROR", "Error while executing command: make. Reason: exit status 2", "command failed"),
        (
            "BUILD_CONTAINER_UNABLE_TO_PULL_IMAGE",
            "Unable to pull customer's container image. CannotPullContainerError: toomanyrequests: You have reached",
            "Docker Hub limits",
        ),
        (
            "BUILD_CONTAINER_UNABLE_TO_PULL_IMAGE",
            "no matching manifest for linux/arm64/v8 in the manifest list entries",
            "not built for the architecture",
        ),
        ("BUILD_CONTAINER_UNABLE_TO_PULL_IMAGE", "Unable to pull customer's container image", "cannot be pulled"),
        ("VPC_CLIENT_ERROR", "Unexpected EC2 error: RequestLimitExceeded", "EC2 throttles"),
        ("VPC_CLIENT_ERROR", "Unexpected EC2 error: UnauthorizedOperation", "network interfaces in the VPC"),
        ("VPC_CLIENT_ERROR", "The subnet ID 'subnet-1' does not exist", "cannot use the VPC"),
        ("ACCOUNT_LIMIT_EXCEEDED", "", "more builds"),
        ("", "Cannot have more than 1 builds in queue for the account", "very few"),
        ("CLIENT_ERROR", "no matching artifact paths found", "`artifacts` names"),
        ("CLIENT_ERROR", "AccessDenied: Access Denied status code: 403", "lacks a permission"),
        ("CLIENT_ERROR", "authentication required for primary source", "may not read the source"),
        ("CLIENT_ERROR", "reference not found for primary source", "not in the source"),
        ("CLIENT_ERROR", "something else", "does not meet CodeBuild's requirements"),
    ];

    #[test]
    fn each_message_has_its_cause() {
        for (code, message, expected) in CASES {
            let context = Context { code: (*code).to_owned(), message: (*message).to_owned() };
            let found = cause(&context).unwrap_or_else(|| panic!("{code} {message}"));
            assert!(found.why.contains(expected), "{code} {message}: {}", found.why);
        }
    }

    #[test]
    fn each_row_is_reached_by_a_message() {
        for row in CAUSES {
            let reached = CASES.iter().any(|(code, message, _)| {
                let context = Context { code: (*code).to_owned(), message: (*message).to_owned() };
                cause(&context) == Some(row)
            });
            assert!(reached, "{row:?}");
        }
    }

    #[test]
    fn what_nobody_knows_has_no_cause() {
        let context = Context { code: "NEW_ERROR".to_owned(), message: "all is different".to_owned() };
        assert_eq!(cause(&context), None);
        assert!(ending(&Status::TimedOut).is_some());
        assert!(ending(&Status::Failed).is_none());
    }
}
