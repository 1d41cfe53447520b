//! Whose machines run the jobs: tags, and how one job becomes a job for each architecture.

use super::TARGET;
use super::tags::{environment, of, shared, unsupported};
use crate::format::yaml::{Line, Map, Out};
use crate::generate::{Error, Project};
use crate::project::pipeline::{Architecture, Jobs, Runners};

/// The machines.
#[derive(Debug)]
pub(super) struct Fleet {
    pub(super) family: Runners,
    pub(super) architectures: Vec<Architecture>,
    layout: Layout,
    tags: Vec<Vec<String>>,
}

#[derive(Debug, PartialEq, Eq)]
enum Layout {
    /// There is one architecture.
    Single,
    /// One job with `parallel: matrix`; its tags are these, with `$BUILD_ARCH` in them.
    Matrix(Vec<String>),
    /// A job for each architecture.
    Plain,
}

/// A job.
#[derive(Debug, Default)]
pub(super) struct Job {
    pub(super) name: &'static str,
    pub(super) stage: &'static str,
    /// A comment above it.
    pub(super) comment: Option<&'static str>,
    /// A template in addition to the machine's.
    pub(super) also: Option<&'static str>,
    /// The image of a job that may run in any image.
    pub(super) image: Option<String>,
    /// The jobs that must run first.
    pub(super) needs: Vec<Need>,
    /// All other keys.
    pub(super) body: Map,
}

/// A job that must run first.
#[derive(Debug, Clone, Copy)]
pub(super) struct Need {
    pub(super) job: &'static str,
    /// Whether there is one for each architecture.
    pub(super) native: bool,
    pub(super) artifacts: Artifacts,
}

/// Whose files a job downloads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Artifacts {
    None,
    All,
    /// Those of the architecture on which it runs.
    Own,
}

impl Fleet {
    /// Reads `[pipeline.gitlab]`.
    ///
    /// # Errors
    /// When the family of runners needs a key that is missing, or cannot do what a key asks for.
    pub(super) fn new(project: &Project<'_>) -> Result<Self, Error> {
        let gitlab = &project.pipeline.gitlab;
        let architectures = project.architectures.clone();
        if architectures.is_empty() {
            let reason = "which processors to build for: `architectures = [\"amd64\", \"arm64\"]`".to_owned();
            return Err(Error::Missing { key: "pipeline.architectures", target: TARGET, reason });
        }
        let tags =
            architectures.iter().map(|architecture| of(project, *architecture)).collect::<Result<Vec<_>, _>>()?;
        let shared = shared(&architectures, &tags);
        let layout = match (gitlab.jobs, shared) {
            _ if architectures.len() == 1 => Layout::Single,
            (Some(Jobs::Matrix), _) if gitlab.runners == Runners::Codebuild => {
                let reason =
                    "CodeBuild finds a job by its name, and a matrix puts spaces and brackets in it; use \"plain\"";
                return Err(unsupported("pipeline.gitlab.jobs", "matrix", reason));
            }
            (Some(Jobs::Matrix), None) => {
                let reason = "the tags of the architectures differ in more than the architecture's name, which one job cannot express; use \"plain\"";
                return Err(unsupported("pipeline.gitlab.jobs", "matrix", reason));
            }
            (Some(Jobs::Plain), _) | (None, None) => Layout::Plain,
            (None, _) if gitlab.runners == Runners::Codebuild => Layout::Plain,
            (_, Some(tags)) => Layout::Matrix(tags),
        };
        Ok(Self { family: gitlab.runners, architectures, layout, tags })
    }

    /// Returns true if jobs run in images of their own. CodeBuild's runner is GitLab's shell executor in CodeBuild's image:
    /// it ignores `image` and `services`.
    pub(super) fn has_images(&self) -> bool {
        self.family != Runners::Codebuild
    }

    /// Returns the architecture of the jobs that run once: arm64 if it is built, because its machines cost less.
    pub(super) fn first(&self) -> Architecture {
        self.architectures.iter().copied().max().unwrap_or(Architecture::Amd64)
    }

    /// Adds what the jobs of an architecture share.
    pub(super) fn add_templates(&self, document: &mut Map) {
        match &self.layout {
            Layout::Single => {
                let about = "The machine. Jobs select it with `extends`.";
                document.set(".native", self.machine(0, self.tags[0].clone())).gap().comment(about);
            }
            Layout::Matrix(tags) => {
                let mut variables = Map::new();
                variables.set("BUILD_ARCH", Out::flow(self.architectures.iter().map(|one| one.as_str())));
                let mut parallel = Map::new();
                parallel.set("matrix", Out::list([variables]));
                let mut native = Map::new();
                native.set("parallel", parallel);
                native.set("tags", Out::flow(tags.clone())).beside("a runner of the same architecture");
                let about =
                    "Runs a job once per architecture, in parallel, each on its own machine: nothing is emulated.";
                document.set(".native", native).gap().comment(about);
            }
            Layout::Plain => {
                for (index, architecture) in self.architectures.iter().enumerate() {
                    let line = document
                        .set(format!(".{}", architecture.as_str()), self.machine(index, self.tags[index].clone()))
                        .gap();
                    if index == 0 {
                        line.comment(self.about_machines());
                    }
                }
            }
        }
    }

    /// Adds a job for each architecture.
    pub(super) fn add(&self, document: &mut Map, job: Job) {
        let mut shared = Map::new();
        let each = self.layout == Layout::Plain;
        match (each, job.also) {
            (true, None) => {}
            (true, Some(template)) => {
                shared.set("extends", template);
            }
            (false, None) => {
                shared.set("extends", ".native");
            }
            (false, Some(template)) => {
                shared.set("extends", Out::flow([".native", template]));
            }
        }
        shared.set("stage", job.stage);
        if !each {
            self.set_image(&mut shared, &job, 0);
            set_needs(&mut shared, &job, |need| self.needed(need, None));
            shared.extend(job.body);
            comment(document.set(job.name, shared).gap(), job.comment);
            return;
        }
        if self.has_images() {
            self.set_image(&mut shared, &job, 0);
        }
        let name = format!(".{}", job.name);
        let needs = job.needs.clone();
        shared.extend(job.body.clone());
        comment(document.set(name.clone(), shared).gap(), job.comment);
        for (index, architecture) in self.architectures.iter().enumerate() {
            let mut own = Map::new();
            own.set("extends", Out::flow([name.clone(), format!(".{}", architecture.as_str())]));
            if !self.has_images() {
                self.set_image(&mut own, &job, index);
            }
            let found = needs.iter().flat_map(|need| self.needed(*need, Some(*architecture))).collect::<Vec<_>>();
            if !found.is_empty() {
                own.set("needs", Out::list(found));
            }
            document.set(format!("{}-{}", job.name, architecture.as_str()), own).gap();
        }
    }

    /// Adds a job that runs once.
    pub(super) fn add_once(&self, document: &mut Map, job: Job) {
        let index = self.architectures.iter().position(|one| *one == self.first()).unwrap_or_default();
        let mut map = Map::new();
        map.set_if("extends", job.also);
        map.set("stage", job.stage);
        if self.has_images() || job.image.is_none() {
            map.set("tags", brief(self.tags[index].clone()));
        }
        self.set_image(&mut map, &job, index);
        set_needs(&mut map, &job, |need| self.needed(need, None));
        map.extend(job.body);
        comment(document.set(job.name, map).gap(), job.comment);
    }

    fn about_machines(&self) -> &'static str {
        match self.family {
            Runners::Codebuild => {
                "CodeBuild starts a machine for each job whose first tag names its project; the project's webhook needs the event\n\
                 WORKFLOW_JOB_QUEUED. Jobs run in CodeBuild's own image (`image` and `services` have no effect there); for\n\
                 Docker the project needs privileged mode."
            }
            Runners::Tags | Runners::Gitlab => {
                "A machine for each architecture: nothing is emulated. Jobs select one with `extends`."
            }
        }
    }

    fn machine(&self, index: usize, tags: Vec<String>) -> Map {
        let mut variables = Map::new();
        variables.set("BUILD_ARCH", self.architectures[index].as_str());
        let mut machine = Map::new();
        machine.set("tags", brief(tags));
        machine.set("variables", variables);
        machine
    }

    /// Sets the image of a job; on CodeBuild, by a label that runs the whole machine in that image.
    fn set_image(&self, map: &mut Map, job: &Job, index: usize) {
        let Some(image) = &job.image else { return };
        if self.has_images() {
            map.set("image", image);
            return;
        }
        let mut tags = self.tags[index].clone();
        let kind = environment(self.architectures[index]);
        tags.retain(|tag| !tag.starts_with("image:"));
        tags.insert(1, format!("image:custom-{kind}-{image}"));
        map.set("tags", Out::list(tags));
    }

    /// Lists the jobs behind a need.
    fn needed(&self, need: Need, own: Option<Architecture>) -> Vec<Out> {
        let some = need.artifacts != Artifacts::None;
        match (&self.layout, own) {
            _ if !need.native => vec![entry(need.job.to_owned(), some)],
            (Layout::Plain, Some(own)) => vec![entry(format!("{}-{}", need.job, own.as_str()), some)],
            (Layout::Plain, None) => {
                let takes = |one: Architecture| some && (need.artifacts == Artifacts::All || one == self.first());
                let name = |one: Architecture| format!("{}-{}", need.job, one.as_str());
                self.architectures.iter().map(|one| entry(name(*one), takes(*one))).collect()
            }
            (Layout::Matrix(_), _) if need.artifacts == Artifacts::Own => {
                self.architectures.iter().map(|one| instance(need.job, *one, *one == self.first())).collect()
            }
            _ => vec![entry(need.job.to_owned(), some)],
        }
    }
}

fn set_needs(map: &mut Map, job: &Job, find: impl Fn(Need) -> Vec<Out>) {
    if !job.needs.is_empty() {
        map.set("needs", Out::list(job.needs.iter().flat_map(|need| find(*need))));
    }
}

/// Writes a need. A bare name means a need with artifacts.
fn entry(job: String, artifacts: bool) -> Out {
    if artifacts {
        return job.into();
    }
    let mut map = Map::new();
    map.set("job", job);
    map.set("artifacts", false);
    map.into()
}

/// Writes a need of one job of a matrix.
fn instance(job: &str, architecture: Architecture, artifacts: bool) -> Out {
    let mut variables = Map::new();
    variables.set("BUILD_ARCH", architecture.as_str());
    let mut parallel = Map::new();
    parallel.set("matrix", Out::list([variables]));
    let mut map = Map::new();
    map.set("job", job);
    map.set("artifacts", artifacts);
    map.set("parallel", parallel);
    map.into()
}

/// Writes tags: on one line when they are short.
fn brief(tags: Vec<String>) -> Out {
    if tags.iter().map(String::len).sum::<usize>() < 60 { Out::flow(tags) } else { Out::list(tags) }
}

fn comment(line: &mut Line, text: Option<&'static str>) {
    if let Some(text) = text {
        line.comment(text);
    }
}
