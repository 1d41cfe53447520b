//! `toolkit.toml`: platforms, tools, policy, source. Every key is known or an error with its line and a near miss.

use std::path::{Path, PathBuf};

use super::definition::{self, Definition};
use super::pipeline::Pipeline;
use super::reader::{self, Key, Mistake, Reader, Value};
use super::{Error, Root, line_of, minimum_age};
use crate::model::{Arch, Level, Os, Platform, Unsupported};
use crate::net::Order;

/// The most tools of a project: far more than any has, and little enough to be read at once.
const MOST_TOOLS: usize = 1000;

/// A project's `toolkit.toml`.
#[derive(Debug, Clone)]
pub struct Manifest {
    /// The platforms that the lock must cover.
    pub platforms: Vec<Platform>,
    /// The tools, sorted by name; a tool with several versions has an entry for each, in the order of its list.
    pub tools: Vec<ToolEntry>,
    /// How many days old a release must be.
    pub minimum_age: u32,
    /// What to do about unsupported versions.
    pub unsupported: Unsupported,
    /// The weakest proof that is accepted; none if the file does not set it.
    pub verification: Option<Level>,
    /// The mirror to read upstreams' files from.
    pub mirror: Option<String>,
    /// Whether upstreams are used in addition to the mirror; none if the file does not set it.
    pub order: Option<Order>,
    pipeline: Result<Pipeline, Mistake>,
}

impl Default for Manifest {
    /// Returns what an empty file means.
    fn default() -> Self {
        Self {
            platforms: Self::PLATFORMS.to_vec(),
            tools: Vec::new(),
            minimum_age: 0,
            unsupported: Unsupported::default(),
            verification: None,
            mirror: None,
            order: None,
            pipeline: Ok(Pipeline::default()),
        }
    }
}

/// One version of a tool in `[tools]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolEntry {
    /// The tool's name, as written.
    pub tool: String,
    /// Which version of it is required.
    pub requirement: Requirement,
    /// Which of the tool's sources to use; the default one if none is named.
    pub source: Option<String>,
    /// Settings of the tool itself, such as Go's `toolchain = "pin"`.
    pub settings: Vec<(String, String)>,
    /// The definition of a tool that the project defines itself.
    pub definition: Option<Definition>,
    /// Which patch of a version that is named in full is taken.
    pub patch: Patch,
    /// The line in `toolkit.toml`, counted from 1.
    pub line: usize,
}

/// Which patch is taken of a version that is named in full, such as the one of a `go.mod`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Patch {
    /// The one that is named.
    #[default]
    Named,
    /// The newest that is not older.
    Newest,
}

/// Which version of a tool is required.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Requirement {
    /// A channel, in the tool's own grammar.
    Channel(String),
    /// The version that this project file names. The path is relative to the project.
    File(PathBuf),
}

impl Manifest {
    /// The default platforms: those of CodeBuild and of GitLab's runners.
    pub const PLATFORMS: [Platform; 2] = [Platform::new(Os::Linux, Arch::Amd64), Platform::new(Os::Linux, Arch::Arm64)];

    /// Reads the `toolkit.toml` of a project; none when there is none.
    ///
    /// # Errors
    /// When it cannot be read, or has something that is not understood. A mistake in `[pipeline]` is left to
    /// [`Manifest::pipeline`]: most commands need no pipeline.
    pub fn read(root: &Root) -> Result<Option<Self>, Error> {
        reader::open(root)?.map(|(path, text)| Self::parse(&path, &text)).transpose()
    }

    /// Reads the text of the `toolkit.toml` at `path`.
    ///
    /// # Errors
    /// As [`Manifest::read`].
    pub fn parse(path: &Path, text: &str) -> Result<Self, Error> {
        let reader = Reader { path, text };
        let mut manifest = Self::default();
        for (key, value) in &reader.root()? {
            match key.get_ref().as_ref() {
                "platforms" => manifest.platforms = reader.platforms(value)?,
                "tools" => manifest.tools = reader.tools(value)?,
                "policy" => reader.policy(value, &mut manifest)?,
                "source" => reader.source(value, &mut manifest)?,
                "pipeline" => manifest.pipeline = Pipeline::of(value, &reader),
                _ => return Err(reader.unknown(key, &["platforms", "tools", "policy", "source", "pipeline"])),
            }
        }
        Ok(manifest)
    }

    /// Returns what `[pipeline]` asks for; the default pipeline when there is no such table.
    ///
    /// # Errors
    /// When `[pipeline]` has something that is not understood.
    pub fn pipeline(&self) -> Result<&Pipeline, Error> {
        self.pipeline.as_ref().map_err(|mistake| mistake.clone().into())
    }
}

impl Reader<'_> {
    fn platforms(&self, value: &Value<'_>) -> Result<Vec<Platform>, Error> {
        let list = value.get_ref().as_array().ok_or_else(|| self.not(value, "a list such as [\"linux/amd64\"]"))?;
        let mut platforms = Vec::new();
        for item in list.iter() {
            let platform: Platform =
                self.string(item)?.parse().map_err(|cause: crate::model::BadPlatform| self.bad(item, &cause))?;
            if platforms.contains(&platform) {
                return Err(self.wrong(&item.span(), format!("{platform} is listed twice in `platforms`")));
            }
            platforms.push(platform);
        }
        if platforms.is_empty() {
            return Err(self.wrong(
                &value.span(),
                "`platforms` is empty; leave it out for linux/amd64 and linux/arm64".to_owned(),
            ));
        }
        platforms.sort_unstable();
        Ok(platforms)
    }

    fn tools(&self, value: &Value<'_>) -> Result<Vec<ToolEntry>, Error> {
        let table = self.table(value)?;
        if table.len() > MOST_TOOLS {
            let reason = format!("`[tools]` lists {} tools; {MOST_TOOLS} are read at most", table.len());
            return Err(self.wrong(&value.span(), reason));
        }
        let mut tools = Vec::with_capacity(table.len());
        for (key, value) in table {
            tools.extend(self.entries(key, value)?);
        }
        tools.sort_by(|left, right| left.tool.cmp(&right.tool)); // versions of one tool keep their order
        Ok(tools)
    }

    /// Reads one version of a tool, or a list of several: `dotnet = ["8.0", "9.0"]`.
    fn entries(&self, key: &Key<'_>, value: &Value<'_>) -> Result<Vec<ToolEntry>, Error> {
        let Some(list) = value.get_ref().as_array() else {
            return Ok(vec![self.entry(key, value, line_of(self.text, key.span().start))?]);
        };
        let mut entries: Vec<ToolEntry> = Vec::with_capacity(list.len());
        for item in list.iter() {
            let entry = self.entry(key, item, line_of(self.text, item.span().start))?;
            if entry.definition.is_some() {
                let reason = format!("`{}` is defined by the project, and so has one version", entry.tool);
                return Err(self.wrong(&item.span(), reason));
            }
            if entries.iter().any(|known| known.requirement == entry.requirement && known.source == entry.source) {
                return Err(self.wrong(&item.span(), format!("`{}` lists this version twice", entry.tool)));
            }
            entries.push(entry);
        }
        if entries.is_empty() {
            return Err(self.wrong(&value.span(), format!("`{}` lists no version; remove the line", key.get_ref())));
        }
        Ok(entries)
    }

    /// Reads `"1.22"`, `{ file = "go.mod" }` or `{ version = "1.22", source = "goproxy" }`.
    fn entry(&self, key: &Key<'_>, value: &Value<'_>, line: usize) -> Result<ToolEntry, Error> {
        let tool = key.get_ref().to_string();
        if value.get_ref().is_str() {
            let requirement = Requirement::Channel(self.string(value)?.to_owned());
            return Ok(ToolEntry {
                tool,
                requirement,
                source: None,
                settings: Vec::new(),
                definition: None,
                patch: Patch::Named,
                line,
            });
        }
        let Some(table) = value.get_ref().as_table() else {
            return Err(
                self.not(value, "a version in quotes, a list of versions, or a table such as {file = \"go.mod\"}")
            );
        };
        if definition::defines(table) {
            let (version, definition) = self.definition(key, value)?;
            let (requirement, definition) = (Requirement::Channel(version), Some(definition));
            let (source, settings, patch) = (None, Vec::new(), Patch::Named);
            return Ok(ToolEntry { tool, requirement, source, settings, definition, patch, line });
        }
        let (mut requirement, mut source, mut settings, mut patch) = (None, None, Vec::new(), Patch::Named);
        for (key, value) in table {
            let text = self.string(value)?;
            match key.get_ref().as_ref() {
                "version" | "file" if requirement.is_some() => {
                    return Err(self.wrong(&key.span(), "give either `version` or `file`".to_owned()));
                }
                "version" => requirement = Some(Requirement::Channel(text.to_owned())),
                "file" => requirement = Some(Requirement::File(self.inside(value, text)?)),
                "source" => source = Some(text.to_owned()),
                "patch" => patch = self.one_of(value, &[("named", Patch::Named), ("newest", Patch::Newest)])?,
                other => settings.push((other.to_owned(), text.to_owned())),
            }
        }
        let requirement =
            requirement.ok_or_else(|| self.wrong(&value.span(), format!("`{tool}` needs a `version` or a `file`")))?;
        Ok(ToolEntry { tool, requirement, source, settings, definition: None, patch, line })
    }

    /// Checks that the path of a project file is relative, so that the same `toolkit.toml` means the same file on every
    /// machine. It may be above the project: a repository can have one `global.json` for several.
    fn inside(&self, value: &Value<'_>, text: &str) -> Result<PathBuf, Error> {
        let path = PathBuf::from(text);
        if path.is_absolute() || text.is_empty() {
            return Err(self.wrong(&value.span(), format!("`file = \"{text}\"` must be a path relative to this file")));
        }
        Ok(path)
    }

    fn policy(&self, value: &Value<'_>, manifest: &mut Manifest) -> Result<(), Error> {
        for (key, value) in self.table(value)? {
            match key.get_ref().as_ref() {
                "minimum-age" => {
                    manifest.minimum_age =
                        minimum_age(self.string(value)?).map_err(|reason| self.wrong(&value.span(), reason))?;
                }
                "unsupported" => {
                    let known =
                        [("deny", Unsupported::Deny), ("warn", Unsupported::Warn), ("allow", Unsupported::Allow)];
                    manifest.unsupported = self.one_of(value, &known)?;
                }
                "verification" => {
                    let known = [
                        ("first-seen", Level::FirstSeen),
                        ("checksum", Level::Checksum),
                        ("signature", Level::Signature),
                    ];
                    manifest.verification = Some(self.one_of(value, &known)?);
                }
                _ => return Err(self.unknown(key, &["minimum-age", "unsupported", "verification"])),
            }
        }
        Ok(())
    }

    fn source(&self, value: &Value<'_>, manifest: &mut Manifest) -> Result<(), Error> {
        for (key, value) in self.table(value)? {
            match key.get_ref().as_ref() {
                "mirror" => manifest.mirror = Some(self.string(value)?.to_owned()),
                "order" => manifest.order = Some(self.one_of(value, &Order::ALL)?),
                _ => return Err(self.unknown(key, &["mirror", "order"])),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Manifest, Error> {
        Manifest::parse(Path::new("toolkit.toml"), text)
    }

    #[test]
    fn every_key_is_read() {
        let manifest = parse(
            "platforms = [\"linux/arm64\", \"linux/x86_64\"]\n[tools]\ngo = { file = \"go.mod\", toolchain = \"pin\" }\n\
             dotnet = \"lts\"\n[policy]\nminimum-age = \"3 days\"\nunsupported = \"deny\"\nverification = \"signature\"\n\
             [source]\nmirror = \"https://mirror.example\"\norder = \"mirror-first\"\n",
        )
        .unwrap();
        assert_eq!(manifest.platforms, Manifest::PLATFORMS);
        assert_eq!(manifest.tools[0].requirement, Requirement::Channel("lts".to_owned()));
        assert_eq!(manifest.tools[1].requirement, Requirement::File(PathBuf::from("go.mod")));
        assert_eq!(manifest.tools[1].settings, [("toolchain".to_owned(), "pin".to_owned())]);
        assert_eq!(manifest.tools[1].line, 3);
        assert_eq!((manifest.minimum_age, manifest.unsupported), (3, Unsupported::Deny));
        assert_eq!(manifest.verification, Some(Level::Signature));
        assert_eq!(manifest.mirror.as_deref(), Some("https://mirror.example"));
        assert_eq!(manifest.order, Some(Order::MirrorFirst));
        assert_eq!(parse("").unwrap().platforms, Manifest::PLATFORMS);
    }

    #[test]
    fn a_list_is_several_versions_of_one_tool() {
        let manifest = parse(
            "[tools]\naspnetcore-runtime = [\n  \"8.0\",\n  { version = \"9.0\" },\n]\n\
             dotnet = [{ file = \"global.json\" }, \"8.0\"]\n",
        )
        .unwrap();
        let entries: Vec<_> = manifest.tools.iter().map(|entry| (entry.tool.as_str(), entry.line)).collect();
        assert_eq!(entries, [("aspnetcore-runtime", 3), ("aspnetcore-runtime", 4), ("dotnet", 6), ("dotnet", 6)]);
        assert_eq!(manifest.tools[1].requirement, Requirement::Channel("9.0".to_owned()));
        assert_eq!(manifest.tools[2].requirement, Requirement::File(PathBuf::from("global.json")));
    }

    #[test]
    fn more_tools_than_any_project_has_are_refused_at_once() {
        let with = |count: usize| {
            let lines: String = (0..count).map(|number| format!("t{number} = \"1\"\n")).collect();
            parse(&format!("[tools]\n{lines}"))
        };
        assert_eq!(with(MOST_TOOLS).unwrap().tools.len(), MOST_TOOLS);
        let error = with(100_000).unwrap_err().to_string();
        assert!(error.contains("lists 100000 tools; 1000 are read at most"), "{error}");
    }

    #[test]
    fn a_mistake_has_its_line_and_a_way_out() {
        for (text, line, said) in [
            ("[tools\n", 1, "unclosed"),
            ("\nplatform = []\n", 2, "did you mean `platforms`?"),
            ("platforms = []", 1, "empty"),
            ("platforms = [\n\"linux/amd64\",\n\"linux/mips\"]", 3, "unknown architecture `mips`"),
            ("platforms = [\"linux/amd64\", \"linux/x64\"]", 1, "twice"),
            ("[tools]\ngo = 1.22", 2, "found float"),
            ("[tools]\ngo = {}", 2, "needs a `version` or a `file`"),
            ("[tools]\ngo = { file = \"go.mod\", patch = \"latest\" }", 2, "expected one of: named, newest"),
            ("[tools]\ndotnet = []", 2, "lists no version"),
            ("[tools]\ndotnet = [\n\"8.0\",\n8.0]", 4, "a list of versions"),
            ("[tools]\ndotnet = [[\"8.0\"]]", 2, "found array"),
            ("[tools]\ndotnet = [\n\"8.0\",\n\"9.0\",\n\"8.0\"]", 5, "twice"),
            ("[tools]\njq = [{ version = \"1.7\", github = \"a/b\", asset = \"jq\" }]", 2, "has one version"),
            ("[tools]\ngo = { version = \"1\", file = \"go.mod\" }", 2, "either"),
            ("[tools]\ngo = { file = \"/etc/passwd\" }", 2, "relative"),
            ("[tools]\ngo = { file = \"\" }", 2, "relative"),
            ("[policy]\nminimum_age = \"3 days\"", 2, "did you mean `minimum-age`?"),
            ("[policy]\nminimum-age = \"soon\"", 2, "not a span of days"),
            ("[policy]\nunsupported = \"no\"", 2, "expected one of: deny, warn, allow"),
            ("[source]\nmiror = \"x\"", 2, "did you mean `mirror`?"),
            ("[source]\norder = \"upstream\"", 2, "expected one of: mirror-only, mirror-first"),
            ("tools = 1", 1, "expected a table"),
        ] {
            let error = parse(text).unwrap_err();
            let Error::Content { line: found, reason, .. } = &error else { panic!("{error:?}") };
            assert_eq!(*found, line, "{text}: {error}");
            assert!(reason.contains(said), "{text}: {reason}");
        }
    }
}
