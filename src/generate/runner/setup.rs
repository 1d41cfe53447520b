//! The runner's settings, each checked by the grammar of the program that reads it, with its default.

use super::super::{Error, Project};
use super::TARGET;
use crate::project::pipeline::Architecture;

/// Version 0.92.1 of the chart brings GitLab Runner 19.3.1 (<https://gitlab.com/gitlab-org/charts/gitlab-runner/-/tags>).
const CHART: &str = "0.92.1";

/// What is written into the files. Every text consists of characters that are not special in YAML, TOML, Helm or a shell.
#[derive(Debug)]
pub(super) struct Setup {
    pub(super) folder: String,
    pub(super) url: String,
    pub(super) namespace: String,
    pub(super) cluster: String,
    pub(super) node_role: String,
    pub(super) chart: String,
    pub(super) concurrent: u32,
    pub(super) spot: bool,
    pub(super) image: Option<String>,
    pub(super) requests: Requests,
    pub(super) cache: Option<Bucket>,
    pub(super) ami: String,
    /// How long a job may run, in minutes.
    pub(super) minutes: u32,
    pub(super) architectures: Vec<Architecture>,
}

/// What a job's container requests.
#[derive(Debug)]
pub(super) struct Requests {
    pub(super) cpu: String,
    pub(super) memory: String,
    pub(super) ephemeral_storage: Option<String>,
}

/// The bucket of the shared cache.
#[derive(Debug)]
pub(super) struct Bucket {
    pub(super) name: String,
    pub(super) region: String,
}

impl Setup {
    /// Checks the model.
    pub(super) fn new(project: &Project<'_>) -> Result<Self, Error> {
        let runner = &project.pipeline.runner;
        let text = |key: &str, value: &Option<String>, default: &str, rule: &Rule| {
            checked(key, value.as_deref().unwrap_or(default), rule)
        };
        let needed = |key: &'static str, value: &Option<String>, reason: &str, rule: &Rule| match value {
            Some(value) => checked(key, value, rule),
            None => Err(Error::Missing { key, target: TARGET, reason: reason.to_owned() }),
        };
        if runner.concurrent == Some(0) {
            return Err(refused("pipeline.runner.concurrent", "0", "at least one job must be able to run"));
        }
        if project.architectures.is_empty() {
            return Err(Error::Missing {
                key: "pipeline.architectures",
                target: TARGET,
                reason: "each architecture has runners of its own, such as `[\"amd64\", \"arm64\"]`".to_owned(),
            });
        }
        Ok(Self {
            folder: text("pipeline.runner.folder", &runner.folder, "runner", &FOLDER)?,
            url: text("pipeline.runner.url", &runner.url, "https://gitlab.com", &URL)?,
            namespace: text("pipeline.runner.namespace", &runner.namespace, "gitlab-runner", &NAMESPACE)?,
            cluster: needed(
                "pipeline.runner.cluster",
                &runner.cluster,
                "the EKS cluster's name, by which its subnets and security groups are found",
                &CLUSTER,
            )?,
            node_role: needed(
                "pipeline.runner.node-role",
                &runner.node_role,
                "the name of the IAM role of the nodes, such as `KarpenterNodeRole-builds`",
                &ROLE,
            )?,
            chart: text("pipeline.runner.chart", &runner.chart, CHART, &VERSION)?,
            concurrent: runner.concurrent.unwrap_or(10),
            spot: runner.spot.unwrap_or(true),
            image: runner.image.as_ref().map(|image| checked("pipeline.runner.image", image, &IMAGE)).transpose()?,
            requests: Requests::new(project)?,
            cache: Bucket::new(project)?,
            ami: text("pipeline.runner.ami", &runner.ami, "al2023@latest", &AMI)?,
            minutes: project.pipeline.timeout.map_or(60, |timeout| timeout.minutes),
            architectures: project.architectures.clone(),
        })
    }

    /// Returns the number of processors at which a pool stops growing: twice what all jobs request, since each job has a helper
    /// and services, and machines are never completely full.
    pub(super) fn most_processors(&self) -> u64 {
        let each = self.requests.cpu.strip_suffix('m').map_or_else(
            || self.requests.cpu.parse::<f64>().unwrap_or(1.0),
            |milli| milli.parse::<f64>().unwrap_or(1000.0) / 1000.0,
        );
        // A job and its helper need at least one processor. The grammar keeps the product far below 2⁵³.
        (f64::from(self.concurrent) * each.max(0.5) * 2.0).ceil() as u64
    }
}

impl Requests {
    fn new(project: &Project<'_>) -> Result<Self, Error> {
        let requests = &project.pipeline.runner.requests;
        if let Some(name) =
            requests.keys().find(|name| !["cpu", "memory", "ephemeral-storage"].contains(&name.as_str()))
        {
            return Err(refused("pipeline.runner.requests", name, "the keys are cpu, memory and ephemeral-storage"));
        }
        let of = |name: &str| {
            let key = format!("pipeline.runner.requests.{name}");
            requests.get(name).map(|value| checked(&key, value, &QUANTITY)).transpose()
        };
        Ok(Self {
            cpu: of("cpu")?.unwrap_or_else(|| "2".to_owned()),
            memory: of("memory")?.unwrap_or_else(|| "4Gi".to_owned()),
            ephemeral_storage: of("ephemeral-storage")?,
        })
    }
}

impl Bucket {
    fn new(project: &Project<'_>) -> Result<Option<Self>, Error> {
        let Some(name) = &project.pipeline.runner.cache_bucket else { return Ok(None) };
        let region = project.pipeline.aws.as_ref().and_then(|aws| aws.region.as_ref());
        let region = region.ok_or_else(|| Error::Missing {
            key: "pipeline.aws.region",
            target: TARGET,
            reason: "the region of the bucket in `pipeline.runner.cache-bucket`".to_owned(),
        })?;
        Ok(Some(Self {
            name: checked("pipeline.runner.cache-bucket", name, &BUCKET)?,
            region: checked("pipeline.aws.region", region, &REGION)?,
        }))
    }
}

/// A grammar, and its description.
struct Rule {
    holds: fn(&str) -> bool,
    description: &'static str,
}

/// A folder below the project that is harmless on a command line.
const FOLDER: Rule = Rule {
    holds: |text| {
        all(text, "-_./")
            && text.split('/').all(|part| !part.is_empty() && part != "." && part != ".." && !part.starts_with('-'))
    },
    description: "a folder below the project has letters, digits, `-`, `_`, `.` and `/`",
};

const URL: Rule = Rule {
    holds: |text| {
        let plain = url::Url::parse(text).is_ok_and(|url| {
            matches!(url.scheme(), "https" | "http") && url.username().is_empty() && url.password().is_none()
        });
        plain && all(text, "-._:/[]") && text.contains("://")
    },
    description: "a GitLab server's address is a URL such as `https://gitlab.example.com`, without a user or a query",
};

/// <https://kubernetes.io/docs/concepts/overview/working-with-objects/names/#dns-label-names>
const NAMESPACE: Rule = Rule {
    holds: |text| (1..=63).contains(&text.len()) && lower(text, "-") && edges(text),
    description: "a namespace has at most 63 lower-case letters, digits and `-`, which is neither first nor last",
};

/// <https://docs.aws.amazon.com/eks/latest/APIReference/API_CreateCluster.html>
const CLUSTER: Rule = Rule {
    holds: |text| text.len() <= 100 && all(text, "-_") && text.starts_with(|c: char| c.is_ascii_alphanumeric()),
    description: "a cluster's name has at most 100 letters, digits, `-` and `_`, and begins with a letter or digit",
};

/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html>; `=` and `,` are left out, because they are not used in practice.
const ROLE: Rule = Rule {
    holds: |text| text.len() <= 64 && all(text, "+.@-_") && text.starts_with(|c: char| c.is_ascii_alphanumeric()),
    description: "a role's name (not its ARN) has at most 64 letters, digits and any of `+.@-_`",
};

const VERSION: Rule = Rule {
    holds: |text| {
        let parts: Vec<&str> = text.split('.').collect();
        parts.len() == 3 && parts.iter().all(|part| (1..=9).contains(&part.len()) && digits(part))
    },
    description: "a chart's version has three numbers, such as `0.92.1`",
};

/// <https://github.com/distribution/reference>, loosely: only characters that are not special in any of the files.
const IMAGE: Rule = Rule {
    holds: |text| text.len() <= 512 && all(text, "-_./:@") && text.starts_with(|c: char| c.is_ascii_alphanumeric()),
    description: "an image is a name such as `registry.example.com/group/ci:1.4`, or has `@sha256:…`",
};

/// <https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/>, in the forms that people write by hand.
const QUANTITY: Rule = Rule {
    holds: |text| {
        let number = ["m", "Ki", "Mi", "Gi", "Ti"].iter().find_map(|unit| text.strip_suffix(unit)).unwrap_or(text);
        let (whole, part) = number.split_once('.').unwrap_or((number, "0"));
        (1..=9).contains(&whole.len()) && digits(whole) && (1..=9).contains(&part.len()) && digits(part)
    },
    description: "a quantity is a number such as `2`, `500m`, `0.5` or `4Gi`",
};

/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html>
const BUCKET: Rule = Rule {
    holds: |text| (3..=63).contains(&text.len()) && lower(text, "-.") && edges(text) && !text.contains(".."),
    description: "a bucket's name has 3 to 63 lower-case letters, digits, `-` and `.`",
};

const REGION: Rule = Rule {
    holds: |text| (1..=30).contains(&text.len()) && lower(text, "-") && edges(text),
    description: "a region is a name such as `eu-central-1`",
};

/// An alias resolves to the image of each architecture (<https://karpenter.sh/docs/concepts/nodeclasses/#specamiselectorterms>).
const AMI: Rule = Rule {
    holds: |text| {
        let (family, version) = text.split_once('@').unwrap_or_default();
        matches!(family, "al2023" | "bottlerocket") && (1..=40).contains(&version.len()) && lower(version, "-._")
    },
    description: "an alias is `al2023@` or `bottlerocket@` with a version or `latest`; Amazon Linux 2 ended with Kubernetes 1.33",
};

fn checked(key: &str, value: &str, rule: &Rule) -> Result<String, Error> {
    if (rule.holds)(value) { Ok(value.to_owned()) } else { Err(refused(key, value, rule.description)) }
}

fn refused(key: &str, value: &str, reason: &str) -> Error {
    Error::Value { key: key.to_owned(), value: value.to_owned(), target: TARGET, reason: reason.to_owned() }
}

fn all(text: &str, more: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || more.contains(c))
}

fn lower(text: &str, more: &str) -> bool {
    text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || more.contains(c))
}

fn edges(text: &str) -> bool {
    let ends = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    text.starts_with(ends) && text.ends_with(ends)
}

fn digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grammars_take_what_their_readers_take() {
        for (rule, good, bad) in [
            (&FOLDER, &["runner", "ci/runner", ".ci"][..], &["", "/x", "../x", "a//b", "a/-b", "a b", "a\n"][..]),
            (
                &URL,
                &["https://gitlab.com", "https://g.example:8443/git/"],
                &["gitlab.com", "https://a:b@c", "file:///x"],
            ),
            (&NAMESPACE, &["a", "gitlab-runner"], &["", "-a", "A", "a.b", "1.20-"]),
            (&CLUSTER, &["builds", "B_1"], &["", "-a", "a b", "a$b"]),
            (&ROLE, &["KarpenterNodeRole-builds"], &["arn:aws:iam::1:role/x", "", "@a"]),
            (&VERSION, &["0.92.1"], &["0.92", "v1.2.3", "1.2.x", ""]),
            (&IMAGE, &["alpine", "a.b/c:d@sha256:00"], &["$A", "-a", "a b", "{{a}}"]),
            (&QUANTITY, &["2", "500m", "0.5", "4Gi"], &["", "-1", "4gb", "1.", "1.2.3", "Gi", "1e3"]),
            (&BUCKET, &["my-cache"], &["ab", "My", "a..b", "-ab"]),
            (&AMI, &["al2023@v20260101", "bottlerocket@latest"], &["al2@latest", "al2023", "al2023@", "al2023@a b"]),
        ] {
            for text in good {
                assert!((rule.holds)(text), "{text:?}: {}", rule.description);
            }
            for text in bad {
                assert!(!(rule.holds)(text), "{text:?}: {}", rule.description);
            }
        }
    }
}
