//! The jobs that run the project's own commands: restore, build and test on each architecture, and publish once.

use super::aws::{identity, secrets};
use super::runners::{Artifacts as Files, Job, Need};
use super::{BUILD, Context, MANIFEST, PUBLISH, TARGET, TOOLS, image_of, path, put, script};
use crate::format::yaml::{Element, Map, Out};
use crate::generate::Error;
use crate::generate::install::{self, Place};
use crate::project::pipeline::{Method, Report, ReportFormat};

/// Folders in the home that tools can be told to keep elsewhere: GitLab caches nothing outside the project.
/// (The end of the path, the variable, the folder in the project.)
const MOVABLE: &[(&str, &str, &str)] = &[
    (".nuget/packages", "NUGET_PACKAGES", ".cache/nuget"),
    ("go/pkg/mod", "GOMODCACHE", ".cache/go-mod"),
    (".cache/go-build", "GOCACHE", ".cache/go-build"),
    (".npm", "npm_config_cache", ".cache/npm"),
    (".cache/pip", "PIP_CACHE_DIR", ".cache/pip"),
    (".gradle", "GRADLE_USER_HOME", ".cache/gradle"),
];

/// Adds the template of both jobs, if there are both.
///
/// # Errors
/// As [`prepare`].
pub(super) fn add_template(context: &Context<'_>, document: &mut Map) -> Result<(), Error> {
    if context.has_steps() && context.publishes() {
        let mut template = Map::new();
        prepare(context, &mut template)?;
        let about = "Setup for every job that runs the project's own commands.";
        if !template.is_empty() {
            document.set(TOOLS, template).gap().comment(about);
        }
    }
    Ok(())
}

/// Adds the job of restore, build and test.
///
/// # Errors
/// When the toolchains cannot be installed, or GitLab cannot keep something that the model asks to keep.
pub(super) fn add(context: &Context<'_>, document: &mut Map) -> Result<(), Error> {
    let steps = &context.pipeline.steps;
    let mut body = Map::new();
    let shared = share(context, &mut body)?;
    body.set_if("cache", cache(context)?);
    let commands = [&steps.restore, &steps.build, &steps.test].into_iter().flatten().cloned();
    body.set("script", script(commands.collect()));
    body.set_if("artifacts", artifacts(context)?);
    let job = Job { name: BUILD, stage: "build", also: shared, image: image(context)?, body, ..Job::default() };
    context.fleet.add(document, job.comment("Builds and tests on each architecture."));
    Ok(())
}

/// Adds the job that publishes.
///
/// # Errors
/// When it would never run.
pub(super) fn add_publish(context: &Context<'_>, document: &mut Map) -> Result<(), Error> {
    if context.pushes.never() {
        return Err(Error::Unsupported {
            key: "pipeline.push.branches",
            value: String::new(),
            target: TARGET,
            reason: "no branch, tag or merge request pushes, so `steps.publish` would never run; allow one, or remove the commands"
                .to_owned(),
        });
    }
    let mut body = Map::new();
    let shared = share(context, &mut body)?;
    body.set("rules", context.pushes.only());
    body.set("interruptible", false);
    body.set("script", script(context.pipeline.steps.publish.clone()));
    let mut needs = Vec::new();
    if context.has_steps() {
        needs.push(Need { job: BUILD, native: true, artifacts: Files::Own });
    }
    if context.pipeline.container.is_some() {
        needs.push(Need { job: MANIFEST, native: false, artifacts: Files::None });
    }
    let job =
        Job { name: PUBLISH, stage: "publish", also: shared, image: image(context)?, needs, body, ..Job::default() };
    context.fleet.add_once(
        document,
        job.comment("Runs once, after everything else succeeded, and only where the push rule allows."),
    );
    Ok(())
}

/// Uses the template, or puts its content into the only job that needs it.
fn share(context: &Context<'_>, body: &mut Map) -> Result<Option<&'static str>, Error> {
    let mut own = Map::new();
    prepare(context, &mut own)?;
    let template = context.has_steps() && context.publishes() && !own.is_empty();
    if !template {
        body.extend(own);
    }
    Ok(template.then_some(TOOLS))
}

/// Sets the variables, tokens and commands that come before the project's own.
fn prepare(context: &Context<'_>, body: &mut Map) -> Result<(), Error> {
    let identity = identity(context, "/tmp/aws-id-token");
    let secrets = secrets(context)?;
    let mut variables = identity.variables;
    variables
        .extend(moved(context).map(|(_, variable, folder)| (variable, format!("$CI_PROJECT_DIR/{folder}").into())));
    put(body, "variables", variables);
    body.set_if("id_tokens", identity.id_tokens);
    if let Some(keyword) = secrets.keyword {
        body.set("secrets", keyword).comment(
            "GitLab fetches these for the job (Premium; GitLab Runner 18.3 or newer). They are masked in its log.",
        );
    }
    let mut before = identity.commands;
    before.extend(secrets.commands.into_iter().map(Element::from));
    let folder = context.pipeline.directory.as_deref().filter(|folder| !folder.is_empty() && *folder != ".");
    before.extend(folder.map(|folder| Element::from(format!("cd {}", path(folder)))));
    for step in install::plan(context.project, &Place::Job, TARGET)?.commands {
        let element = Element::from(step.command);
        before.push(match step.comment {
            Some(text) => element.comment(text),
            None => element,
        });
    }
    if !before.is_empty() {
        body.set("before_script", Out::List(before));
    }
    Ok(())
}

/// Returns the image of the project's own commands; none on CodeBuild, unless one is named.
fn image(context: &Context<'_>) -> Result<Option<String>, Error> {
    if let Some(image) = &context.pipeline.gitlab.image {
        return Ok(Some(image.clone()));
    }
    let install = &context.pipeline.install;
    if install.method == Method::Toolkit && install.bootstrap.is_empty() && !context.project.tools.is_empty() {
        return Err(Error::Missing {
            key: "pipeline.install.bootstrap",
            target: TARGET,
            reason: "the job's image has no toolkit: give a URL to download it from, or name an image that has it: \
                     `gitlab.image = \"…\"`"
                .to_owned(),
        });
    }
    if !context.fleet.has_images() {
        return Ok(None);
    }
    if context.pipeline.install.method == Method::Image && !context.pipeline.images.contains_key("steps") {
        return Err(Error::Missing {
            key: "pipeline.gitlab.image",
            target: TARGET,
            reason: "with `install.method = \"image\"`, the image has every tool: name it".to_owned(),
        });
    }
    Ok(Some(image_of(context.project, "steps")))
}

/// Lists the folders to cache that must be moved into the project.
fn moved<'s>(context: &'s Context<'_>) -> impl Iterator<Item = (&'s str, &'static str, &'static str)> {
    let paths = context.pipeline.cache.iter().flat_map(|cache| &cache.paths);
    paths.filter_map(|path| movable(path).map(|(variable, folder)| (path.as_str(), variable, folder)))
}

fn movable(path: &str) -> Option<(&'static str, &'static str)> {
    let inner = path.trim_end_matches(['/', '*']);
    let outside = ["~/", "/root/", "$HOME/", "${HOME}/", "/go/"].iter().any(|home| inner.starts_with(home));
    let found = MOVABLE.iter().find(|(end, _, _)| inner.ends_with(&format!("/{end}")))?;
    outside.then_some((found.1, found.2))
}

fn cache(context: &Context<'_>) -> Result<Option<Map>, Error> {
    let Some(settings) = context.pipeline.cache.as_ref().filter(|cache| !cache.paths.is_empty()) else {
        return Ok(None);
    };
    if settings.files.len() > 2 {
        return Err(Error::Unsupported {
            key: "pipeline.cache.files",
            value: settings.files.join(", "),
            target: TARGET,
            reason: "GitLab builds a key from at most two files".to_owned(),
        });
    }
    let lock = context.project.lock_digest.as_deref().map(|digest| format!("-{digest}")).unwrap_or_default();
    let name = format!("{}{lock}-linux-$BUILD_ARCH", context.project.name);
    let mut cache = Map::new();
    let about = "specific to this lock, system and architecture";
    if settings.files.is_empty() {
        cache.set("key", name).beside(about);
    } else {
        let mut key = Map::new();
        key.set("prefix", name).beside(about);
        key.set("files", Out::flow(&settings.files));
        cache.set("key", key);
    }
    let paths = settings.paths.iter().map(|path| cached(path)).collect::<Result<Vec<_>, _>>()?;
    cache.set("paths", Out::list(paths));
    Ok(Some(cache))
}

fn cached(path: &str) -> Result<String, Error> {
    if let Some((_, folder)) = movable(path) {
        return Ok(format!("{folder}/"));
    }
    if path.starts_with(['/', '~', '$']) || path.split('/').any(|part| part == "..") {
        return Err(Error::Value {
            key: "pipeline.cache.paths".to_owned(),
            value: path.to_owned(),
            target: TARGET,
            reason: "GitLab caches nothing outside the project; name a folder in it, and configure the tool to use it"
                .to_owned(),
        });
    }
    Ok(path.to_owned())
}

/// Returns what is kept: reports in the formats that GitLab displays, and everything else as files.
fn artifacts(context: &Context<'_>) -> Result<Option<Map>, Error> {
    let kept = context.pipeline.artifacts.as_ref();
    let mut junit: Vec<String> = Vec::new();
    let mut coverage: Option<(&'static str, String)> = None;
    let mut unknown: Vec<String> = Vec::new();
    for report in &context.pipeline.reports {
        let files = report.files.iter().map(|file| below(report.directory.as_deref(), file));
        match shown(report) {
            Shown::Tests => junit.extend(files),
            Shown::Coverage(format) if coverage.is_none() => {
                let [file] = files.collect::<Vec<_>>().try_into().map_err(|files: Vec<String>| Error::Value {
                    key: "pipeline.reports.files".to_owned(),
                    value: files.join(", "),
                    target: TARGET,
                    reason: "GitLab accepts one path or glob for coverage".to_owned(),
                })?;
                coverage = Some((format, file));
            }
            Shown::Coverage(_) | Shown::No => unknown.extend(files),
        }
    }
    let files = kept.iter().flat_map(|kept| kept.files.iter().map(|file| below(kept.directory.as_deref(), file)));
    let mut paths: Vec<Element> = files.map(Element::from).collect();
    let about = "GitLab does not display reports of this kind; they are kept as files.";
    paths.extend(unknown.into_iter().enumerate().map(|(index, file)| {
        let element = Element::from(file);
        if index == 0 { element.comment(about) } else { element }
    }));
    if paths.is_empty() && junit.is_empty() && coverage.is_none() {
        return Ok(None);
    }
    let mut artifacts = Map::new();
    artifacts.set("name", format!("{}-$BUILD_ARCH", context.project.name));
    if !context.pipeline.reports.is_empty() {
        artifacts.set("when", "always").beside("failed tests have reports, too");
    }
    if !paths.is_empty() {
        artifacts.set("paths", Out::List(paths));
    }
    if let Some(kept) = kept.filter(|kept| !kept.exclude.is_empty()) {
        let exclude = kept.exclude.iter().map(|file| below(kept.directory.as_deref(), file));
        artifacts.set("exclude", Out::list(exclude));
    }
    set_reports(&mut artifacts, junit, coverage);
    artifacts.set("expire_in", kept.and_then(|kept| kept.expire.as_deref()).unwrap_or("1 week"));
    Ok(Some(artifacts))
}

fn set_reports(artifacts: &mut Map, junit: Vec<String>, coverage: Option<(&'static str, String)>) {
    let mut reports = Map::new();
    if !junit.is_empty() {
        reports.set("junit", Out::list(junit));
    }
    if let Some((format, path)) = coverage {
        let mut report = Map::new();
        report.set("coverage_format", format);
        report.set("path", path);
        reports.set("coverage_report", report);
    }
    if !reports.is_empty() {
        artifacts.set("reports", reports);
    }
}

enum Shown {
    Tests,
    Coverage(&'static str),
    No,
}

/// Returns what GitLab does with a format (<https://docs.gitlab.com/ci/yaml/artifacts_reports/>).
fn shown(report: &Report) -> Shown {
    match report.format {
        ReportFormat::Junit => Shown::Tests,
        ReportFormat::Cobertura => Shown::Coverage("cobertura"),
        ReportFormat::Jacoco => Shown::Coverage("jacoco"),
        ReportFormat::Trx
        | ReportFormat::Nunit
        | ReportFormat::Nunit3
        | ReportFormat::Testng
        | ReportFormat::Cucumber
        | ReportFormat::Clover
        | ReportFormat::Simplecov => Shown::No,
    }
}

fn below(folder: Option<&str>, file: &str) -> String {
    match folder.map(|folder| folder.trim_end_matches('/')) {
        None | Some("" | ".") => file.to_owned(),
        Some(folder) => format!("{folder}/{file}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_in_a_home_moves_into_the_project_and_others_outside_are_refused() {
        for (path, found) in [
            ("~/.nuget/packages", ".cache/nuget/"),
            ("/root/.nuget/packages/**/*", ".cache/nuget/"),
            ("/root/go/pkg/mod", ".cache/go-mod/"),
            ("/go/pkg/mod/**/*", ".cache/go-mod/"),
            ("node_modules/", "node_modules/"),
            (".nuget/packages", ".nuget/packages"),
        ] {
            assert_eq!(cached(path).unwrap(), found, "{path}");
        }
        for path in ["/var/cache", "~/x", "../x", "$HOME/x"] {
            let error = cached(path).unwrap_err().to_string();
            assert!(error.contains("nothing outside the project"), "{path}: {error}");
        }
    }
}
