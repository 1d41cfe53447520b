//! What a rule is.

/// A mistake that can be found.
#[derive(Debug)]
pub struct Rule {
    /// Its id: `TK` and three digits. 0xx: any YAML; 1xx–3xx: buildspec; 5xx–7xx: GitLab. Never reused.
    pub id: &'static str,
    /// Its severity.
    pub level: Level,
    /// The files that it applies to.
    pub target: Target,
    /// Whether no build is started from a file that has it: the service would refuse the file.
    pub blocks: bool,
    /// What is wrong, in a few words.
    pub summary: &'static str,
    /// One or two sentences: its consequence, and the source for that (a URL, or "observed").
    pub reason: &'static str,
    /// A minimal file with the mistake. Checked by a test.
    pub bad: &'static str,
    /// The same without it. Checked by a test.
    pub good: &'static str,
}

/// Defines the rules of a file, `NAME = Rule { … };`, and `RULES`, the list of them.
macro_rules! rules {
    ($($(#[$attribute:meta])* $name:ident = $rule:expr;)*) => {
        $($(#[$attribute])* pub(in crate::lint) static $name: $crate::lint::Rule = $rule;)*

        /// The rules of this file.
        pub(in crate::lint) static RULES: &[&$crate::lint::Rule] = &[$(&$name),*];
    };
}

pub(super) use rules;

/// The severity of a mistake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// The service would reject the file, or the build would fail.
    Error,
    /// It is accepted, but probably not what was meant.
    Warning,
    /// It works, but something else is better.
    Note,
}

/// A kind of file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Target {
    /// Any YAML.
    Yaml,
    /// A buildspec.
    Buildspec,
    /// A GitLab pipeline.
    GitLab,
}

impl PartialEq for Rule {
    /// Ids are never reused.
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl Eq for Rule {}

impl Level {
    /// Returns its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}
