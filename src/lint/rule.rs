//! What a rule is.

/// A mistake that can be found.
#[derive(Debug)]
pub struct Rule {
    /// Its id: `TK` and three digits. 0xx: any YAML; 1xx–3xx: buildspec; 5xx–7xx: GitLab. Never reused.
    pub id: &'static str,
    /// How bad it is.
    pub level: Level,
    /// What it is about.
    pub target: Target,
    /// Whether no build is started from a file that has it: the service would refuse the file.
    pub blocks: bool,
    /// One sentence: what is wrong.
    pub summary: &'static str,
    /// One or two sentences: what happens because of it, and where that is written down (a URL, or "observed").
    pub reason: &'static str,
    /// A shortest file that has the mistake. Checked by a test.
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

/// How bad a mistake is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// The service would reject the file, or the build must fail.
    Error,
    /// It is accepted, but is not what its author meant.
    Warning,
    /// It works, and something is better.
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
    /// Returns the word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}
