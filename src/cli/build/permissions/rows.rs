//! Which command needs which permission, and what for. What is allowed on which resource stands in [`needs`], where the
//! services take it from too.

use clap::ValueEnum;

use crate::aws::Need;
use crate::aws::needs::{self, Place};
use crate::aws::s3::Location;
use crate::oci::credentials::ecr_place;

/// A command that asks AWS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(super) enum Asker {
    /// `build start`
    Start,
    /// `build follow`, and `build start --wait`
    Follow,
    /// `build stop`
    Stop,
    /// `build list`
    List,
    /// `build compare`
    Compare,
    /// `build local` that takes secrets from AWS
    Local,
    /// Whatever reads from a mirror in S3: `install`, `fetch`, `mirror check`, `mirror list`
    Mirror,
    /// `mirror sync` to S3
    Sync,
    /// `image` with images in Amazon ECR
    Image,
}

/// A permission that a command needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) command: Asker,
    pub(super) need: Need,
    /// What for.
    pub(super) purpose: &'static str,
}

/// What the resources are narrowed to.
#[derive(Debug, Clone)]
pub(super) struct Scope {
    /// The region; `*` where it is not known.
    pub(super) region: String,
    /// The account; `*` where it is not known.
    pub(super) account: String,
    /// The project; none for all of them.
    pub(super) project: Option<String>,
    /// The group of the project's logs, where it is not the usual one.
    pub(super) log_group: Option<String>,
    /// Whether batches count.
    pub(super) batch: bool,
    /// The mirror in S3.
    pub(super) store: Option<Location>,
    /// References of images.
    pub(super) images: Vec<String>,
}

impl Asker {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Start => "build start",
            Self::Follow => "build follow",
            Self::Stop => "build stop",
            Self::List => "build list",
            Self::Compare => "build compare",
            Self::Local => "build local",
            Self::Mirror => "mirror",
            Self::Sync => "mirror sync",
            Self::Image => "image",
        }
    }

    /// Returns the permissions of the command.
    pub(super) fn rows(self, scope: &Scope) -> Vec<Row> {
        let needs = match self {
            Self::Start => scope.start(),
            Self::Follow => scope.follow(),
            Self::Stop => scope.stop(),
            Self::List => scope.list(),
            Self::Compare => scope.compare(),
            Self::Local => scope.local(),
            Self::Mirror => scope.mirror(),
            Self::Sync => scope.sync(),
            Self::Image => scope.image(),
        };
        needs.into_iter().map(|(need, purpose)| Row { command: self, need, purpose }).collect()
    }
}

type Needs = Vec<(Need, &'static str)>;

impl Scope {
    fn place(&self) -> Place<'_> {
        Place { region: &self.region, account: &self.account }
    }

    fn project(&self) -> &str {
        self.project.as_deref().unwrap_or("*")
    }

    /// Returns the group of the project's logs.
    pub(super) fn group(&self) -> String {
        self.log_group.clone().unwrap_or_else(|| needs::usual_log_group(self.project()))
    }

    fn start(&self) -> Needs {
        let (settings, project) = (self.place(), self.project());
        let mut needs = vec![
            (needs::start_build(settings, project), "start a build"),
            (needs::batch_get_projects(settings, project), "see what the project builds on, for --arch"),
        ];
        if self.batch {
            needs.push((needs::start_build_batch(settings, project), "start a batch"));
        }
        needs
    }

    fn follow(&self) -> Needs {
        let (settings, project) = (self.place(), self.project());
        let mut needs = vec![
            (needs::batch_get_builds(settings, project), "see how builds stand"),
            (needs::get_log_events(settings, &self.group(), "*"), "read their logs"),
        ];
        if self.batch {
            needs.push((needs::batch_get_build_batches(settings, project), "see how batches stand"));
        }
        needs
    }

    fn stop(&self) -> Needs {
        let (settings, project) = (self.place(), self.project());
        let mut needs = vec![
            (needs::stop_build(settings, project), "stop a build"),
            (needs::batch_get_builds(settings, project), "see whether it still runs"),
        ];
        if self.batch {
            needs.push((needs::stop_build_batch(settings, project), "stop a batch"));
            needs.push((needs::batch_get_build_batches(settings, project), "see whether it still runs"));
        }
        needs
    }

    fn list(&self) -> Needs {
        let (settings, project) = (self.place(), self.project());
        let mut needs = vec![(needs::list_builds_for_project(settings, project), "list the builds of a project")];
        if self.project.is_none() {
            needs.push((needs::list_builds(), "list the builds of all projects"));
        }
        needs.push((needs::batch_get_builds(settings, project), "see how they ended"));
        if self.batch {
            needs.push((needs::list_build_batches_for_project(settings, project), "list the batches of a project"));
            if self.project.is_none() {
                needs.push((needs::list_build_batches(), "list the batches of all projects"));
            }
            needs.push((needs::batch_get_build_batches(settings, project), "see how they ended"));
        }
        needs
    }

    fn compare(&self) -> Needs {
        let (settings, project) = (self.place(), self.project());
        vec![
            (needs::list_builds_for_project(settings, project), "find the last builds"),
            (needs::batch_get_builds(settings, project), "see how long their phases took"),
        ]
    }

    fn local(&self) -> Needs {
        let settings = self.place();
        vec![
            (needs::get_parameters(settings, "*"), "read the values of `parameter-store`"),
            (needs::get_secret_value(settings, "*"), "read the values of `secrets-manager`"),
        ]
    }

    /// Returns region, bucket and keys of the mirror, when somebody must be allowed to read it.
    fn objects(&self) -> Option<(&str, &str, String)> {
        let location = self.store.as_ref().filter(|location| !location.anonymous)?;
        let region = location.region.as_deref().unwrap_or(&self.region);
        Some((region, &location.bucket, format!("{}*", location.prefix)))
    }

    fn mirror(&self) -> Needs {
        let Some((region, bucket, keys)) = self.objects() else {
            return Vec::new();
        };
        vec![
            (needs::get_object(region, bucket, &keys), "read what the mirror has"),
            (needs::list_bucket(region, bucket), "tell what is missing from what is forbidden; list the mirror"),
        ]
    }

    fn sync(&self) -> Needs {
        let mut needs = self.mirror();
        if let Some((region, bucket, keys)) = self.objects() {
            needs.push((needs::put_object(region, bucket, &keys), "upload"));
            needs.push((
                needs::abort_multipart_upload(region, bucket, &keys),
                "give up an upload without paying for its parts",
            ));
            needs.push((
                needs::delete_object(region, bucket, &keys),
                "remove what the lock no longer names, for --prune",
            ));
        }
        needs
    }

    fn image(&self) -> Needs {
        let mut needs = Vec::new();
        let all = vec![format!("{}.dkr.ecr.{}.amazonaws.com/*", self.account, self.region)];
        for reference in if self.images.is_empty() { &all } else { &self.images } {
            let (host, repository) = reference.split_once('/').unwrap_or((reference, "*"));
            let repository = repository.split('@').next().unwrap_or_default();
            let repository = repository.split_once(':').map_or(repository, |(name, _)| name);
            match ecr_place(host) {
                Some((true, _)) => {
                    needs.push((needs::ecr_public_login(), "log in to the public registry"));
                    needs.push((needs::bearer_token(), "log in to the public registry"));
                }
                Some((false, region)) => {
                    let account = host.split('.').next().unwrap_or("*");
                    private(Place { region: &region, account }, repository, &mut needs);
                }
                None if self.images.is_empty() => private(self.place(), "*", &mut needs),
                None => {}
            }
        }
        needs
    }
}

fn private(settings: Place<'_>, repository: &str, needs: &mut Needs) {
    needs.push((needs::ecr_login(), "log in to the registry"));
    needs.extend(
        needs::ecr_pull(settings, repository).into_iter().map(|need| (need, "read images: check, inspect, index")),
    );
    needs.extend(
        needs::ecr_push(settings, repository)
            .into_iter()
            .map(|need| (need, "write the image of both platforms: index")),
    );
}

/// Returns the rows of several commands, each once.
pub(super) fn rows(askers: &[Asker], scope: &Scope) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    for row in askers.iter().flat_map(|asker| asker.rows(scope)) {
        if !rows.iter().any(|other| other.command == row.command && other.need == row.need) {
            rows.push(row);
        }
    }
    rows
}

#[cfg(test)]
mod tests;
