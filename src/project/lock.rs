//! `toolkit.lock`: for each tool the request and the version, for each platform the files with their digests.
//! The same content gives the same bytes: sorted, one fact per line, so that it merges well.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use serde::Deserialize;
use url::Url;

use super::{Error, LOCK, Root, line_of};
use crate::model::{Artifact, Date, Digest, Executable, Format, Level, Pins, Platform, Proof, Reference, TreeDigest};

/// The newest version of the file's own format.
const VERSION: i64 = 2;

/// The version of a file that says nothing which programs of 2026 do not know: they go on reading it.
const FIRST_VERSION: i64 = 1;

const HEADER: &str = "# Written by `toolkit lock` from toolkit.toml. Commit it; do not edit it.\n";

/// The exact releases that a project uses.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lock {
    /// The tools, sorted by name and version; a tool has one entry for each version that is requested of it.
    pub tools: Vec<LockedTool>,
}

/// One locked version of a tool, the same for all platforms, so that none drifts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockedTool {
    /// The tool's name.
    pub name: String,
    /// The request, in canonical spelling.
    pub request: String,
    /// The project file that the request comes from, if there is one.
    pub file: Option<String>,
    /// The tool's source, unless it is the default.
    pub source: Option<String>,
    /// The version.
    pub version: String,
    /// The image, with the digest of its index, if it is published as one.
    pub image: Option<Reference>,
    /// The day of its release, if the upstream states it.
    pub released: Option<Date>,
    /// The last day of its support, if the upstream stated it when the lock was written.
    pub eol: Option<Date>,
    /// The digest of the files that it unpacks to, for the platforms on which somebody unpacked it; sorted by platform.
    pub trees: BTreeMap<Platform, TreeDigest>,
    /// The files, sorted by platform; those of one platform in the order in which they are unpacked.
    pub artifacts: Vec<LockedArtifact>,
}

/// One file of a locked tool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockedArtifact {
    /// The platform it is for.
    pub platform: Platform,
    /// Its URL, its digest and where the digest comes from.
    pub artifact: Artifact,
    /// The executables that the project names for a tool that it defines itself; sorted by name.
    pub executables: Vec<Executable>,
}

impl Lock {
    /// Reads the `toolkit.lock` of a project; none when there is none.
    ///
    /// # Errors
    /// When it cannot be read, is not what this program writes, or was written by a newer one.
    pub fn read(root: &Root) -> Result<Option<Self>, Error> {
        let path = root.folder().join(LOCK);
        root.read_if_present(LOCK)?.map(|text| Self::parse(&path, &text)).transpose()
    }

    /// Reads the text of the lock at `path`.
    ///
    /// # Errors
    /// As [`Lock::read`].
    pub fn parse(path: &Path, text: &str) -> Result<Self, Error> {
        let wrong = |line: usize, reason: String| Error::Content { path: path.to_owned(), line, reason };
        let file: File = toml::from_str(text).map_err(|cause| {
            wrong(line_of(text, cause.span().map_or(0, |span| span.start)), cause.message().to_owned())
        })?;
        if !(FIRST_VERSION..=VERSION).contains(&file.version) {
            return Err(Error::NewerLock { path: path.to_owned(), found: file.version, known: VERSION });
        }
        let mut tools: Vec<LockedTool> = file.tool.into_iter().map(LockedTool::from).collect();
        let mut executables = tools.iter().flat_map(|tool| &tool.artifacts).flat_map(|locked| &locked.executables);
        if let Some(odd) = executables.find(|executable| !executable.is_plain()) {
            let line = text.lines().position(|line| line.starts_with("bin =") && line.contains(&odd.name)).unwrap_or(0);
            return Err(wrong(line + 1, format!("`{}` is not the path of an executable below a root", odd.path)));
        }
        tools.sort_by_cached_key(LockedTool::order);
        if let Some((at, name)) = repeated(&tools) {
            let named = text.lines().enumerate().filter(|(_, line)| *line == format!("name = \"{name}\""));
            let line = named.map(|(number, _)| number + 1).nth(at).unwrap_or(1);
            return Err(wrong(line, format!("{name} is listed twice for one request; a merge went wrong")));
        }
        Ok(Self { tools })
    }

    /// Makes a lock of these entries.
    #[must_use]
    pub fn of(mut tools: Vec<LockedTool>) -> Self {
        tools.sort_by_cached_key(LockedTool::order);
        Self { tools }
    }

    /// Writes it into the project's folder, whole or not at all.
    ///
    /// # Errors
    /// When the folder cannot be written; the file is then as it was before.
    pub fn write(&self, root: &Root) -> Result<(), Error> {
        root.write(&root.folder().join(LOCK), &self.to_text())
    }

    /// Returns the bytes of the file: the same for the same content, wherever and whenever it was written.
    #[must_use]
    pub fn to_text(&self) -> String {
        let is_newer = |tool: &LockedTool| tool.eol.is_some() || !tool.trees.is_empty();
        let version = if self.tools.iter().any(is_newer) { VERSION } else { FIRST_VERSION };
        let mut text = format!("{HEADER}version = {version}\n");
        let mut tools: Vec<_> = self.tools.iter().collect();
        tools.sort_by_cached_key(|tool| tool.order());
        for tool in tools {
            tool.write(&mut text);
        }
        text
    }

    /// Returns it without the pins of trees, which `install` adds as it goes.
    #[must_use]
    pub fn without_trees(&self) -> Self {
        let mut plain = self.clone();
        plain.tools.iter_mut().for_each(|tool| tool.trees.clear());
        plain
    }

    /// Returns true if `text` is what would be written. Line ends may be those of Windows, which Git writes there.
    #[must_use]
    pub fn is_written_as(&self, text: &str) -> bool {
        text == self.to_text() || text.replace("\r\n", "\n") == self.to_text()
    }

    /// Lists the entries of a tool: one for each version that the project requests of it.
    pub fn entries<'l>(&'l self, name: &str) -> impl Iterator<Item = &'l LockedTool> {
        self.tools.iter().filter(move |tool| tool.name == name)
    }
}

/// Finds two entries for one request: the place of the first among those of its tool, and the tool's name.
fn repeated(tools: &[LockedTool]) -> Option<(usize, &str)> {
    tools.iter().enumerate().find_map(|(at, tool)| {
        let same = |other: &&LockedTool| other.name == tool.name && other.is_for(tool.request_key());
        tools[..at].iter().find(same)?;
        Some((tools[..at].iter().filter(|other| other.name == tool.name).count(), tool.name.as_str()))
    })
}

/// What a request and its entry have in common besides the tool's name: channel, project file, source.
pub type RequestKey<'a> = (&'a str, Option<&'a str>, Option<&'a str>);

impl LockedTool {
    /// Returns true if the entry was made for this request.
    #[must_use]
    pub fn is_for(&self, request: RequestKey<'_>) -> bool {
        self.request_key() == request
    }

    fn request_key(&self) -> RequestKey<'_> {
        (&self.request, self.file.as_deref(), self.source.as_deref())
    }

    /// Returns what entries are sorted by: the name, then the version by its numbers, then the request.
    fn order(&self) -> (String, Vec<u64>, String, String) {
        let numbers = self.version.split(|c: char| !c.is_ascii_digit()).filter_map(|part| part.parse().ok()).collect();
        let request = format!("{} {}", self.request, self.file.as_deref().unwrap_or_default());
        (self.name.clone(), numbers, self.version.clone(), request)
    }

    /// Lists the files for one platform.
    #[must_use]
    pub fn artifacts_for(&self, platform: Platform) -> Vec<Artifact> {
        self.artifacts
            .iter()
            .filter(|locked| locked.platform == platform)
            .map(|locked| locked.artifact.clone())
            .collect()
    }

    /// Returns what is pinned for one platform, besides the digests of its files.
    #[must_use]
    pub fn pins_for(&self, platform: Platform) -> Pins {
        Pins { tree: self.trees.get(&platform).copied() }
    }

    /// Returns true if the project defines the tool itself.
    #[must_use]
    pub fn is_defined(&self) -> bool {
        self.artifacts.iter().any(|locked| !locked.executables.is_empty())
    }

    /// Lists the platforms that it is locked for.
    #[must_use]
    pub fn platforms(&self) -> Vec<Platform> {
        let mut platforms: Vec<Platform> = self.artifacts.iter().map(|locked| locked.platform).collect();
        platforms.sort_unstable();
        platforms.dedup();
        platforms
    }

    /// Lists the executables that the project names, for one platform.
    #[must_use]
    pub fn executables_for(&self, platform: Platform) -> Vec<Executable> {
        let artifacts = self.artifacts.iter().filter(|locked| locked.platform == platform);
        artifacts.flat_map(|locked| locked.executables.iter().cloned()).collect()
    }

    fn write(&self, text: &mut String) {
        let mut line = |key: &str, value: &str| {
            let _ = writeln!(text, "{key} = {}", quoted(value));
        };
        line("\n[[tool]]\nname", &self.name);
        line("request", &self.request);
        for (key, value) in [("file", &self.file), ("source", &self.source)] {
            if let Some(value) = value {
                line(key, value);
            }
        }
        line("version", &self.version);
        if let Some(image) = &self.image {
            line("image", &image.to_string());
        }
        if let Some(released) = self.released {
            line("released", &released.to_string());
        }
        if let Some(eol) = self.eol {
            line("eol", &eol.to_string());
        }
        let mut artifacts: Vec<_> = self.artifacts.iter().collect();
        artifacts.sort_by_key(|locked| locked.platform.to_string());
        for locked in artifacts {
            locked.write(text);
        }
        if !self.trees.is_empty() {
            text.push_str("\n[tool.trees]\n");
        }
        let mut trees: Vec<_> = self.trees.iter().map(|(platform, tree)| (platform.to_string(), tree)).collect();
        trees.sort();
        for (platform, tree) in trees {
            let _ = writeln!(text, "{} = {}", quoted(&platform), quoted(&tree.to_string()));
        }
    }
}

impl LockedArtifact {
    fn write(&self, text: &mut String) {
        let artifact = &self.artifact;
        let format = serde_json::to_value(artifact.format).ok();
        let format = format.as_ref().and_then(serde_json::Value::as_str).unwrap_or_default();
        let _ = writeln!(text, "\n[[tool.artifact]]\nplatform = {}", quoted(&self.platform.to_string()));
        let _ = writeln!(text, "url = {}", quoted(artifact.url.as_str()));
        if let Some(size) = artifact.size {
            let _ = writeln!(text, "size = {size}");
        }
        let _ = writeln!(text, "digest = {}", quoted(&artifact.digest.to_string()));
        let _ = writeln!(text, "proof = {}", quoted(&artifact.proof.level.to_string()));
        let _ = writeln!(text, "proven-by = {}", quoted(&artifact.proof.source));
        let _ = writeln!(text, "format = {}", quoted(format));
        if artifact.strip > 0 {
            let _ = writeln!(text, "strip = {}", artifact.strip);
        }
        if !self.executables.is_empty() {
            let pair = |one: &Executable| format!("{} = {}", quoted(&one.name), quoted(&one.path));
            let pairs: Vec<String> = self.executables.iter().map(pair).collect();
            let _ = writeln!(text, "bin = {{ {} }}", pairs.join(", "));
        }
    }
}

/// Writes a TOML basic string. Its escapes are those of JSON, but TOML also requires the delete character to be escaped.
fn quoted(value: &str) -> String {
    serde_json::Value::from(value).to_string().replace('\u{7f}', "\\u007f")
}

/// The file as it is on disk.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: i64,
    #[serde(default)]
    tool: Vec<ToolEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ToolEntry {
    name: String,
    request: String,
    file: Option<String>,
    source: Option<String>,
    version: String,
    #[serde(default, deserialize_with = "image")]
    image: Option<Reference>,
    released: Option<Date>,
    eol: Option<Date>,
    #[serde(default, deserialize_with = "trees")]
    trees: BTreeMap<Platform, TreeDigest>,
    #[serde(default)]
    artifact: Vec<ArtifactEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct ArtifactEntry {
    #[serde(deserialize_with = "platform")]
    platform: Platform,
    url: Url,
    size: Option<u64>,
    digest: Digest,
    proof: Level,
    proven_by: String,
    format: Format,
    #[serde(default)]
    strip: usize,
    #[serde(default)]
    bin: BTreeMap<String, String>,
}

fn platform<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Platform, D::Error> {
    String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
}

fn trees<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<Platform, TreeDigest>, D::Error> {
    let mut trees = BTreeMap::new();
    for (platform, tree) in BTreeMap::<String, String>::deserialize(deserializer)? {
        let platform = platform.parse().map_err(serde::de::Error::custom)?;
        trees.insert(platform, tree.parse().map_err(serde::de::Error::custom)?);
    }
    Ok(trees)
}

/// Reads an image's name. It must have a digest: a tag can be moved.
fn image<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Reference>, D::Error> {
    let image: Reference = String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)?;
    match image.digest {
        Some(_) => Ok(Some(image)),
        None => Err(serde::de::Error::custom(format!("the image {image} has no digest"))),
    }
}

impl From<ToolEntry> for LockedTool {
    fn from(entry: ToolEntry) -> Self {
        let ToolEntry { name, request, file, source, version, image, released, eol, trees, artifact } = entry;
        let artifacts = artifact.into_iter().map(LockedArtifact::from).collect();
        Self { name, request, file, source, version, image, released, eol, trees, artifacts }
    }
}

impl From<ArtifactEntry> for LockedArtifact {
    fn from(entry: ArtifactEntry) -> Self {
        let ArtifactEntry { platform, url, size, digest, proof, proven_by, format, strip, bin } = entry;
        let executables = bin.into_iter().map(|(name, path)| Executable { name, path }).collect();
        let proof = Proof { level: proof, source: proven_by };
        Self { platform, artifact: Artifact { url, digest, proof, size, format, strip }, executables }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    fn artifact(platform: &str) -> LockedArtifact {
        LockedArtifact {
            platform: platform.parse().unwrap(),
            artifact: Artifact {
                url: format!("https://go.dev/dl/go1.22.5.{}.tar.gz", platform.replace('/', "-")).parse().unwrap(),
                digest: DIGEST.parse().unwrap(),
                proof: Proof { level: Level::Checksum, source: "go.dev".to_owned() },
                size: Some(7),
                format: Format::TarGz,
                strip: 1,
            },
            executables: Vec::new(),
        }
    }

    fn tool(name: &str) -> LockedTool {
        LockedTool {
            name: name.to_owned(),
            request: "a \"quoted\" \\ request\u{7f}\n".to_owned(),
            file: Some("go.mod".to_owned()),
            source: None,
            version: "1.22.5".to_owned(),
            image: Some(format!("ghcr.io/a/b:v1.22.5@{DIGEST}").parse().unwrap()),
            released: Some("2024-07-02".parse().unwrap()),
            eol: None,
            trees: BTreeMap::new(),
            artifacts: vec![artifact("linux/arm64"), artifact("linux/amd64")],
        }
    }

    #[test]
    fn the_same_content_gives_the_same_bytes() {
        let one = Lock { tools: vec![tool("go"), tool("dotnet")] };
        let other = Lock { tools: vec![tool("dotnet"), tool("go")] };
        assert_eq!(one.to_text(), other.to_text());
        let read = Lock::parse(Path::new(LOCK), &one.to_text()).unwrap();
        assert_eq!(read.to_text(), one.to_text());
        assert_eq!(read.tools[0].name, "dotnet");
        assert_eq!(read.tools[1].request, tool("go").request);
        assert_eq!(read.tools[1].image, tool("go").image);
        assert_eq!(read.tools[1].artifacts, [artifact("linux/amd64"), artifact("linux/arm64")]);
    }

    #[test]
    fn a_tool_has_an_entry_for_each_of_its_versions_sorted_by_their_numbers() {
        let version = |request: &str, version: &str| LockedTool {
            request: request.to_owned(),
            version: version.to_owned(),
            ..tool("dotnet")
        };
        let tools = vec![version("10.0", "10.0.300"), version("8.0", "8.0.415"), version("9.0", "9.0.308"), tool("go")];
        let text = Lock { tools }.to_text();
        let read = Lock::parse(Path::new(LOCK), &text).unwrap();
        let versions: Vec<_> = read.entries("dotnet").map(|tool| tool.version.as_str()).collect();
        assert_eq!(versions, ["8.0.415", "9.0.308", "10.0.300"]);
        assert_eq!(read.to_text(), text);
        assert_eq!(read.entries("go").count(), 1);
    }

    #[test]
    fn a_damaged_lock_names_the_line() {
        let good = Lock { tools: vec![tool("go")] }.to_text();
        for (from, to, said) in [
            (DIGEST, "sha256:e3b0", "hexadecimal digits"),
            ("https://go", "go", "relative URL"),
            ("linux/amd64\"", "linux/mips\"", "mips"),
            ("proof = \"checksum\"", "proof = \"hope\"", "hope"),
            ("strip = 1\n", "strip = 1\nbin = { go = \"../../bin/go\" }\n", "below a root"),
            ("strip = 1\n", "strip = 1\nbin = { \"../go\" = \"bin/go\" }\n", "below a root"),
            ("strip = 1\n", "strip = 1\nbin = { go = \"/bin/go\" }\n", "below a root"),
            ("released = ", "unknown = 1\nreleased = ", "unknown"),
            (":v1.22.5@", ":v1.22.5 @", "not the name of an image"),
            ("v1.22.5@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "v1.22.5", "no digest"),
        ] {
            let text = good.replacen(from, to, 1);
            assert_ne!(text, good, "{from} is not in the lock");
            let error = Lock::parse(Path::new(LOCK), &text).unwrap_err().to_string();
            assert!(error.contains(said) && error.contains("line "), "{error}");
        }
        let twice = Lock::parse(Path::new(LOCK), &format!("{good}{}", good.split_once("version = 1\n").unwrap().1));
        let twice = twice.unwrap_err().to_string();
        assert!(twice.contains("go is listed twice for one request"), "{twice}");
        assert!(twice.contains(&format!("line {}:", good.lines().count() + 3)), "{twice}");
        for other in [0, 3] {
            let error = Lock::parse(Path::new(LOCK), &format!("version = {other}")).unwrap_err();
            assert!(matches!(error, Error::NewerLock { found, known: 2, .. } if found == other), "{error}");
        }
    }

    #[test]
    fn what_the_first_version_does_not_know_makes_it_the_second() {
        let parsed = |lock: &Lock| Lock::parse(Path::new(LOCK), &lock.to_text()).unwrap();
        let plain = Lock { tools: vec![tool("dotnet"), tool("go")] };
        assert!(plain.to_text().contains("\nversion = 1\n"));
        let mut pinned = plain.clone();
        for (tool, platform) in [(0, "linux/arm64"), (0, "linux/amd64/musl"), (1, "linux/amd64")] {
            let tree = format!("blake3:{}", "0a".repeat(32)).parse().unwrap();
            pinned.tools[tool].trees.insert(platform.parse().unwrap(), tree);
        }
        pinned.tools[1].eol = Some("2027-02-01".parse().unwrap());
        let text = pinned.to_text();
        assert!(text.contains("\nversion = 2\n") && text.contains("\neol = \"2027-02-01\"\n"), "{text}");
        assert!(text.contains("\n[tool.trees]\n\"linux/amd64/musl\" = \"blake3:0a"), "{text}");
        assert_eq!(parsed(&pinned).to_text(), text);
        assert_eq!(parsed(&pinned).tools[0].trees, pinned.tools[0].trees);
        assert_eq!(pinned.without_trees().tools[0], plain.tools[0]);
        for (from, to, said) in [("blake3:0a", "blake3:zz", "digest of a tree"), ("amd64/musl\" =", "vax\" =", "vax")] {
            let error = Lock::parse(Path::new(LOCK), &text.replacen(from, to, 1)).unwrap_err().to_string();
            assert!(error.contains(said) && error.contains("line "), "{error}");
        }
    }
}
