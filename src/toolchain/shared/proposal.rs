//! What `init` proposes for a project, beyond what is the same for every project of a tool.

/// What most projects of a tool do in their pipelines.
#[derive(Debug, Clone, Copy)]
pub struct UsualPipeline {
    /// Commands that fetch dependencies.
    pub restore: &'static [&'static str],
    /// Commands that compile.
    pub build: &'static [&'static str],
    /// Commands that test.
    pub test: &'static [&'static str],
    /// The reports of these tests: format and glob.
    pub reports: &'static [(&'static str, &'static str)],
}

/// What `init` sees of a project.
pub struct Look<'a> {
    /// The paths of its files, relative to it and with `/`: its own and those a few folders below.
    pub files: &'a [String],
    /// Reads one of them; none when it is not a text.
    pub read: &'a dyn Fn(&str) -> Option<String>,
}

/// What is proposed for a tool of a project.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Proposal {
    /// The channel, where the project shows a better one than the tool's default.
    pub channel: Option<String>,
    /// The folder in which its commands run, where that is not the project's own.
    pub directory: Option<String>,
    /// Commands that fetch dependencies.
    pub restore: Vec<String>,
    /// Commands that compile.
    pub build: Vec<String>,
    /// Commands that test.
    pub test: Vec<String>,
    /// Other tools that the project needs, with their versions.
    pub others: Vec<(&'static str, Vec<String>)>,
    /// What the user should know.
    pub notes: Vec<String>,
}

impl Proposal {
    /// Returns what most projects of the tool do.
    #[must_use]
    pub fn usual(usual: &UsualPipeline) -> Self {
        let owned = |commands: &[&str]| commands.iter().map(|command| (*command).to_owned()).collect();
        let (restore, build, test) = (owned(usual.restore), owned(usual.build), owned(usual.test));
        Self { restore, build, test, ..Self::default() }
    }
}

impl Look<'_> {
    /// Lists the files with one of these endings, those in the fewest folders first.
    #[must_use]
    pub fn ending(&self, endings: &[&str]) -> Vec<&str> {
        let mut found: Vec<&str> = self
            .files
            .iter()
            .map(String::as_str)
            .filter(|file| endings.iter().any(|end| file.ends_with(end)))
            .collect();
        found.sort_by_key(|file| (file.matches('/').count(), *file));
        found
    }
}
