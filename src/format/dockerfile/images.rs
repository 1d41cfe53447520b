//! The images that a build of a Dockerfile needs for one platform: arguments resolved, stages left out.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Range;
use std::rc::Rc;

use super::{Arg, Dockerfile, Stage, Step, Word};
use crate::format::variables::{Syntax, Unresolved, expand};
use crate::model::ImagePlatform;

/// The base of a stage that starts empty.
const SCRATCH: &str = "scratch";

/// The arguments of a build.
#[derive(Debug, Clone, Copy)]
pub struct Build<'a> {
    /// The values that were given (`--build-arg`).
    pub given: &'a BTreeMap<String, String>,
    /// Replacements of stages and images by name (`--build-context`): `docker-image://…`, or something local.
    pub contexts: &'a BTreeMap<String, String>,
    /// The platform that is built for.
    pub target: &'a ImagePlatform,
}

/// An image that a build needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// How it is used.
    pub role: Role,
    /// The text that names it, variables as written.
    pub written: String,
    /// The location of that text.
    pub span: Range<usize>,
    /// The name, or why it is unknown.
    pub name: Result<String, String>,
    /// The machine that it must be for.
    pub on: On,
    /// Whether the last stage needs it; others are built only if another stage is requested.
    pub reached: bool,
}

/// How a Dockerfile uses an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// `FROM`.
    From,
    /// `COPY --from`.
    Copy,
    /// `RUN --mount=from=`.
    Mount,
}

/// The machine that an image is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum On {
    /// The platform that is built for.
    Target,
    /// The machine that builds (`--platform=$BUILDPLATFORM`).
    Builder,
    /// This one, whatever the target.
    Fixed(ImagePlatform),
    /// Unknown; the reason.
    Unknown(String),
}

impl Role {
    /// Returns how the file writes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::From => "FROM",
            Self::Copy => "COPY --from",
            Self::Mount => "RUN --mount",
        }
    }
}

/// What the name of a stage, image or context refers to.
enum Interpretation {
    Stage(usize),
    Image(String),
    /// Nothing from a registry: `scratch`, or a local directory.
    Local,
}

impl Dockerfile {
    /// Lists the images that the build needs, in the order of the file. Stages and `scratch` are not images.
    #[must_use]
    pub fn images(&self, build: &Build<'_>) -> Vec<Image> {
        let names = self.stages.iter().enumerate();
        let names = names.filter_map(|(index, stage)| Some((stage.name.as_deref()?, index))).collect();
        let globals = Rc::new(self.globals(build));
        let (above, images, needs) = (HashMap::new(), Vec::new(), Vec::new());
        let mut walk = Walk { file: self, build, globals, names, above, images, needs };
        for (index, stage) in self.stages.iter().enumerate() {
            walk.stage(index, stage);
        }
        let reached = reached(&walk.needs);
        let images = walk.images.into_iter();
        images.map(|(stage, image)| Image { reached: reached.contains(&stage), ..image }).collect()
    }

    fn syntax(&self) -> Syntax {
        Syntax { escape: Some(self.escape), doubled: false, quotes: true, operators: true }
    }

    /// Returns the arguments that `FROM` may use: those before the first stage, and those about platforms
    /// (<https://docs.docker.com/reference/dockerfile/#automatic-platform-args-in-the-global-scope>).
    fn globals(&self, build: &Build<'_>) -> Scope {
        let mut scope = Scope::default();
        for (name, value) in platform_args(build.target) {
            let given = build.given.get(name).cloned();
            scope.values.insert(name.to_owned(), Ok(given.unwrap_or(value)));
        }
        for arg in &self.args {
            scope.declare(arg, build, self.syntax());
        }
        scope
    }
}

fn platform_args(target: &ImagePlatform) -> Vec<(&'static str, String)> {
    let variant = target.variant.clone().unwrap_or_default();
    let each = |names: [&'static str; 4]| {
        let [platform, os, arch, own] = names;
        [
            (platform, target.to_string()),
            (os, target.os.clone()),
            (arch, target.architecture.clone()),
            (own, variant.clone()),
        ]
    };
    let target = each(["TARGETPLATFORM", "TARGETOS", "TARGETARCH", "TARGETVARIANT"]);
    // The machine that builds is unknown; it is assumed to be like the target, and `On::Builder` records that.
    let builder = each(["BUILDPLATFORM", "BUILDOS", "BUILDARCH", "BUILDVARIANT"]);
    target.into_iter().chain(builder).collect()
}

/// Arguments with their values, or the reason why they have none.
#[derive(Debug, Default)]
struct Scope {
    /// What was declared before the first stage.
    globals: Option<Rc<Scope>>,
    values: HashMap<String, Result<String, Unresolved>>,
    /// Declared without a value.
    bare: HashSet<String>,
    /// Arguments whose value came from one about the platform.
    from: HashMap<String, Origin>,
}

/// Which platforms a text depends on.
#[derive(Debug, Default, Clone, Copy)]
struct Origin {
    target: bool,
    builder: bool,
}

impl Scope {
    /// Adds a declaration: a given value takes precedence over the default; without either, a stage inherits the value
    /// that was declared before the first stage.
    fn declare(&mut self, arg: &Arg, build: &Build<'_>, syntax: Syntax) {
        let mut origin = Origin::default();
        let globals = self.globals.as_deref();
        let inherited = globals.and_then(|globals| globals.values.get(&arg.name).cloned());
        let value = match (build.given.get(&arg.name), &arg.default) {
            (Some(given), _) => Some(Ok(given.clone())),
            (None, Some(default)) => Some(self.expand(&default.text, syntax, &mut origin)),
            (None, None) => {
                origin = globals.map_or(origin, |globals| globals.origin(&arg.name));
                inherited
            }
        };
        match value {
            Some(value) => {
                self.values.insert(arg.name.clone(), value);
                self.from.insert(arg.name.clone(), origin);
                self.bare.remove(&arg.name);
            }
            None if self.value(&arg.name).is_none() => {
                self.bare.insert(arg.name.clone());
            }
            None => {}
        }
    }

    fn expand(&self, text: &str, syntax: Syntax, origin: &mut Origin) -> Result<String, Unresolved> {
        let mut deeper = None;
        let mut value = |name: &str| {
            let own = self.origin(name);
            origin.target |= own.target;
            origin.builder |= own.builder;
            match self.value(name)? {
                Ok(value) => Some(value.clone()),
                Err(cause) => {
                    deeper.get_or_insert_with(|| cause.clone());
                    None
                }
            }
        };
        let expanded = expand(text, syntax, &mut value);
        // What the default is missing is the real reason.
        expanded.map_err(|error| deeper.unwrap_or(error))
    }

    fn value(&self, name: &str) -> Option<&Result<String, Unresolved>> {
        self.values.get(name).or_else(|| self.globals.as_deref()?.value(name))
    }

    fn origin(&self, name: &str) -> Origin {
        let inherited = || self.globals.as_ref().map(|globals| globals.origin(name));
        self.from.get(name).copied().or_else(inherited).unwrap_or(Origin {
            target: matches!(name, "TARGETPLATFORM" | "TARGETOS" | "TARGETARCH" | "TARGETVARIANT"),
            builder: matches!(name, "BUILDPLATFORM" | "BUILDOS" | "BUILDARCH" | "BUILDVARIANT"),
        })
    }

    fn is_bare(&self, name: &str) -> bool {
        self.bare.contains(name) || self.globals.as_ref().is_some_and(|globals| globals.is_bare(name))
    }

    /// Returns why a text is unknown.
    fn reason(&self, error: &Unresolved, role: Role) -> String {
        match error {
            Unresolved::Unset { name, said: None } if self.is_bare(name) => {
                format!("the argument `{name}` has no default")
            }
            Unresolved::Unset { name, said: None } if role == Role::From && self.value(name).is_none() => {
                format!("no ARG before the first FROM declares `{name}`")
            }
            other => other.to_string(),
        }
    }
}

struct Walk<'a> {
    file: &'a Dockerfile,
    build: &'a Build<'a>,
    globals: Rc<Scope>,
    /// The last stage of each name.
    names: HashMap<&'a str, usize>,
    /// The same, for the stages above the current one.
    above: HashMap<&'a str, usize>,
    images: Vec<(usize, Image)>,
    /// For each stage, the stages that it needs.
    needs: Vec<Vec<usize>>,
}

impl<'a> Walk<'a> {
    fn stage(&mut self, index: usize, stage: &'a Stage) {
        self.needs.push(Vec::new());
        let globals = Rc::clone(&self.globals);
        let mut origin = Origin::default();
        let name = globals.expand(&stage.base.text, self.file.syntax(), &mut origin);
        let on = match &stage.platform {
            None if origin.builder => On::Builder,
            None => On::Target,
            Some(platform) => self.on(platform, &globals),
        };
        self.need(index, &stage.base, Role::From, name.map_err(|error| globals.reason(&error, Role::From)), on);
        let mut scope = Scope { globals: Some(globals), ..Scope::default() };
        for step in &stage.steps {
            let (word, role) = match step {
                Step::Arg(arg) => {
                    scope.declare(arg, self.build, self.file.syntax());
                    continue;
                }
                Step::Copy(word) => (word, Role::Copy),
                Step::Mount(word) => (word, Role::Mount),
            };
            let name = scope.expand(&word.text, self.file.syntax(), &mut Origin::default());
            self.need(index, word, role, name.map_err(|error| scope.reason(&error, role)), On::Target);
        }
        self.above.extend(stage.name.as_deref().map(|name| (name, index)));
    }

    fn need(&mut self, index: usize, word: &Word, role: Role, name: Result<String, String>, on: On) {
        let name = match name {
            Err(reason) => Err(reason),
            Ok(name) => match self.meaning(&name, role) {
                Interpretation::Stage(other) => return self.needs[index].push(other),
                Interpretation::Local => return,
                Interpretation::Image(name) if name.is_empty() => Err("it is empty".to_owned()),
                Interpretation::Image(name) => Ok(name),
            },
        };
        let image = Image { role, written: word.text.clone(), span: word.span.clone(), name, on, reached: false };
        self.images.push((index, image));
    }

    /// Returns what a name refers to. `FROM` knows the stages above it; the others know all stages, by number too.
    fn meaning(&self, name: &str, role: Role) -> Interpretation {
        if let Some(context) = self.build.contexts.get(name) {
            return match context.strip_prefix("docker-image://") {
                Some(image) => Interpretation::Image(image.to_owned()),
                None => Interpretation::Local,
            };
        }
        let known = if role == Role::From { &self.above } else { &self.names };
        if let Some(stage) = known.get(name.to_ascii_lowercase().as_str()) {
            return Interpretation::Stage(*stage);
        }
        let number = name.parse().ok().filter(|number| role != Role::From && *number < self.file.stages.len());
        match number {
            Some(number) => Interpretation::Stage(number),
            None if name == SCRATCH => Interpretation::Local,
            None => Interpretation::Image(name.to_owned()),
        }
    }

    fn on(&self, word: &Word, globals: &Scope) -> On {
        let mut origin = Origin::default();
        let text = match globals.expand(&word.text, self.file.syntax(), &mut origin) {
            Ok(text) => text,
            Err(error) => return On::Unknown(globals.reason(&error, Role::From)),
        };
        match platform(&text) {
            None => On::Unknown(format!("`{text}` is not a platform")),
            Some(_) if origin.builder => On::Builder,
            Some(platform) if origin.target && platform == *self.build.target => On::Target,
            Some(platform) => On::Fixed(platform),
        }
    }
}

/// Parses a platform as the builder does: an architecture alone is for Linux.
fn platform(text: &str) -> Option<ImagePlatform> {
    if text.contains('/') || text.is_empty() {
        return text.parse().ok();
    }
    format!("linux/{text}").parse().ok()
}

/// Lists the stages that the last one needs, itself included.
fn reached(needs: &[Vec<usize>]) -> HashSet<usize> {
    let mut found = HashSet::new();
    let mut open: Vec<usize> = needs.len().checked_sub(1).into_iter().collect();
    while let Some(stage) = open.pop() {
        if found.insert(stage) {
            open.extend(&needs[stage]);
        }
    }
    found
}
