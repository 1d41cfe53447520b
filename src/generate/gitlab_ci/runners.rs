//! Whose machines run the jobs: tags, and how one job becomes a job for each architecture.

use super::TARGET;
use crate::format::yaml::{Line, Map, Out};
use crate::generate::{Architecture, Error, Jobs, Project, Runners};

/// Sizes in CodeBuild's labels (<https://docs.aws.amazon.com/codebuild/latest/userguide/gitlab-runners-update-labels.html>).
const CODEBUILD_SIZES: &[&str] = &["small", "medium", "large", "xlarge", "2xlarge"];
/// Sizes in the tags of GitLab's machines (<https://docs.gitlab.com/ci/runners/hosted_runners/linux/>).
const GITLAB_SIZES: &[&str] = &["small", "medium", "large", "xlarge", "2xlarge"];

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
    /// A template beside the machine's.
    pub(super) also: Option<&'static str>,
    /// The image of a job whose image may be any.
    pub(super) image: Option<String>,
    /// What must be done before.
    pub(super) needs: Vec<Need>,
    /// All else.
    pub(super) body: Map,
}

/// A job that must be done before.
#[derive(Debug, Clone, Copy)]
pub(super) struct Need {
    pub(super) job: &'static str,
    /// Whether there is one for each architecture.
    pub(super) native: bool,
    pub(super) artifacts: Artifacts,
}

/// Whose files a job takes.
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
    /// When the family lacks what it needs or cannot do what is asked.
    pub(super) fn new(project: &Project<'_>) -> Result<Self, Error> {
        let gitlab = &project.pipeline.gitlab;
        let architectures = project.architectures.clone();
        if architectures.is_empty() {
            let reason = "which processors to build for: `architectures = [\"amd64\", \"arm64\"]`".to_owned();
            return Err(Error::Missing { key: "pipeline.architectures", target: TARGET, reason });
        }
        let tags =
            architectures.iter().map(|architecture| tags(project, *architecture)).collect::<Result<Vec<_>, _>>()?;
        let shared = shared(&architectures, &tags);
        let layout = match (gitlab.jobs, shared) {
            _ if architectures.len() == 1 => Layout::Single,
            (Some(Jobs::Matrix), _) if gitlab.runners == Runners::Codebuild => {
                let reason =
                    "CodeBuild finds a job by its name, and a matrix puts spaces and brackets into it; use \"plain\"";
                return Err(unsupported("pipeline.gitlab.jobs", "matrix", reason));
            }
            (Some(Jobs::Matrix), None) => {
                let reason = "the tags of the architectures differ in more than its name, which one job cannot say; use \"plain\"";
                return Err(unsupported("pipeline.gitlab.jobs", "matrix", reason));
            }
            (Some(Jobs::Plain), _) | (None, None) => Layout::Plain,
            (None, _) if gitlab.runners == Runners::Codebuild => Layout::Plain,
            (_, Some(tags)) => Layout::Matrix(tags),
        };
        Ok(Self { family: gitlab.runners, architectures, layout, tags })
    }

    /// Tells whether jobs run in images of their own. CodeBuild's runner is GitLab's shell executor in CodeBuild's image:
    /// it passes over `image` and `services`.
    pub(super) fn has_images(&self) -> bool {
        self.family != Runners::Codebuild
    }

    /// Gives the architecture of the jobs that run once: arm64 where there is one, whose machines cost less.
    pub(super) fn first(&self) -> Architecture {
        self.architectures.iter().copied().max().unwrap_or(Architecture::Amd64)
    }

    /// Adds what the jobs of an architecture share.
    pub(super) fn add_templates(&self, document: &mut Map) {
        match &self.layout {
            Layout::Single => {
                let about = "The machine. Jobs take it by `extends`.";
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
                let about = "Runs a job once for each architecture, side by side, each on a machine of its own: nothing is emulated.";
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
                "CodeBuild starts a machine for each job whose first tag names its project, whose webhook needs the event\n\
                 WORKFLOW_JOB_QUEUED. Jobs run in CodeBuild's own image (`image` and `services` have no effect there); for\n\
                 Docker the project needs privileged mode."
            }
            Runners::Tags | Runners::Gitlab => {
                "A machine for each architecture: nothing is emulated. Jobs take it by `extends`."
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

    /// Says where a job runs: its image; on CodeBuild, a label that puts the whole machine into that image.
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

/// Writes a need; with artifacts, which is what GitLab takes a bare name for, it is that.
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

/// Writes tags: a few short ones on one line.
fn brief(tags: Vec<String>) -> Out {
    if tags.iter().map(String::len).sum::<usize>() < 60 { Out::flow(tags) } else { Out::list(tags) }
}

fn comment(line: &mut Line, text: Option<&'static str>) {
    if let Some(text) = text {
        line.comment(text);
    }
}

/// Gives the tags of an architecture's machines.
fn tags(project: &Project<'_>, architecture: Architecture) -> Result<Vec<String>, Error> {
    let gitlab = &project.pipeline.gitlab;
    let own = gitlab.tags.get(&architecture).cloned();
    if own.as_ref().is_some_and(|tags| tags.iter().any(|tag| tag.trim().is_empty())) {
        return Err(value("pipeline.gitlab.tags", "", "a tag has at least one character"));
    }
    match gitlab.runners {
        Runners::Tags => {
            if let Some(size) = &gitlab.size {
                let reason = "one's own runners are chosen by `tags`; a size belongs to CodeBuild's and GitLab's";
                return Err(unsupported("pipeline.gitlab.size", size, reason));
            }
            // A job without tags would run on any runner that takes such jobs, of any architecture.
            Ok(own.filter(|tags| !tags.is_empty()).unwrap_or_else(|| vec![architecture.as_str().to_owned()]))
        }
        Runners::Gitlab => {
            let size = size(gitlab.size.as_deref(), GITLAB_SIZES)?;
            Ok(own.unwrap_or_else(|| vec![format!("saas-linux-{size}-{}", architecture.as_str())]))
        }
        Runners::Codebuild => {
            let size = size(gitlab.size.as_deref(), CODEBUILD_SIZES)?;
            let name = codebuild_project(gitlab.project.as_deref())?;
            let mut tags = vec![
                format!("codebuild-{name}-$CI_PROJECT_ID-$CI_PIPELINE_IID-$CI_JOB_NAME"),
                image_label(project.pipeline.codebuild.image.get(&architecture), architecture),
                format!("instance-size:{size}"),
            ];
            tags.extend(own.unwrap_or_default());
            Ok(tags)
        }
    }
}

fn size<'s>(size: Option<&'s str>, known: &[&str]) -> Result<&'s str, Error> {
    let size = size.unwrap_or("small");
    if known.contains(&size) {
        return Ok(size);
    }
    Err(value("pipeline.gitlab.size", size, &format!("known sizes are {}", known.join(", "))))
}

/// Checks the name of a CodeBuild project: a wrong one leaves jobs pending for ever.
fn codebuild_project(name: Option<&str>) -> Result<&str, Error> {
    let Some(name) = name else {
        let reason = "the CodeBuild project whose webhook starts the machines: `project = \"my-runners\"`".to_owned();
        return Err(Error::Missing { key: "pipeline.gitlab.project", target: TARGET, reason });
    };
    let fits = (2..=255).contains(&name.len()) && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c));
    if fits {
        Ok(name)
    } else {
        Err(value("pipeline.gitlab.project", name, "CodeBuild's names have letters, digits, `-` and `_`"))
    }
}

/// Gives the label of CodeBuild's image. The short labels are those of AWS's list
/// (<https://docs.aws.amazon.com/codebuild/latest/userguide/sample-gitlab-runners-gitlab-ci.images.html>); an image that
/// is not on it goes by its name.
fn image_label(image: Option<&String>, architecture: Architecture) -> String {
    let newest = match architecture {
        Architecture::Amd64 => "linux-5.0",
        Architecture::Arm64 => "arm-3.0",
    };
    let Some(image) = image else { return format!("image:{newest}") };
    let known = [
        ("aws/codebuild/amazonlinux-x86_64-standard:4.0", "linux-4.0"),
        ("aws/codebuild/amazonlinux-x86_64-standard:5.0", "linux-5.0"),
        ("aws/codebuild/amazonlinux-aarch64-standard:2.0", "arm-2.0"),
        ("aws/codebuild/amazonlinux-aarch64-standard:3.0", "arm-3.0"),
    ];
    if let Some((_, label)) = known.iter().find(|(name, _)| name == image) {
        return format!("image:{label}");
    }
    let name = image.strip_prefix("aws/codebuild/").map(|rest| format!("public.ecr.aws/codebuild/{rest}"));
    format!("image:custom-{}-{}", environment(architecture), name.as_ref().unwrap_or(image))
}

const fn environment(architecture: Architecture) -> &'static str {
    match architecture {
        Architecture::Amd64 => "linux",
        Architecture::Arm64 => "arm",
    }
}

/// Writes the tags of all architectures as one list with `$BUILD_ARCH` in it; none where they differ in more than that.
fn shared(architectures: &[Architecture], tags: &[Vec<String>]) -> Option<Vec<String>> {
    let length = tags.first()?.len();
    if tags.iter().any(|tags| tags.len() != length) {
        return None;
    }
    let column = |index: usize| {
        let first = &tags[0][index];
        if tags.iter().all(|tags| tags[index] == *first) {
            return Some(first.clone());
        }
        let general = |(architecture, tags): (&Architecture, &Vec<String>)| {
            tags[index].replacen(architecture.as_str(), "$BUILD_ARCH", 1)
        };
        let mut forms = architectures.iter().zip(tags).map(general);
        let form = forms.next()?;
        // `$BUILD_ARCH` must end where the name does: in `$BUILD_ARCH_x` it would be another variable.
        let ends = form.split_once("$BUILD_ARCH").is_some_and(|(_, rest)| !rest.starts_with(is_name));
        (ends && forms.all(|other| other == form)).then_some(form)
    };
    (0..length).map(column).collect()
}

fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

fn value(key: &str, value: &str, reason: &str) -> Error {
    Error::Value { key: key.to_owned(), value: value.to_owned(), target: TARGET, reason: reason.to_owned() }
}

fn unsupported(key: &'static str, value: &str, reason: &str) -> Error {
    Error::Unsupported { key, value: value.to_owned(), target: TARGET, reason: reason.to_owned() }
}
