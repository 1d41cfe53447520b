//! Go from the module proxy: the module `golang.org/toolchain`, its hash proven by the checksum database.
//!
//! URLs have the scheme `goproxy:`, which `net` resolves by the list in `GOPROXY`. A proxy lists only the versions that it has
//! served before, so a version that is requested by number is tried even when it is not listed.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::sumdb::{self, Key, Lookup, SUM_GOLANG_ORG, Tile};
use super::{CARD, documents, read, read_history, version};
use crate::model::{
    Algorithm, Artifact, Candidate, Channel, Digest, Format, Level, Platform, Policy, Proof, Release, Version,
};
use crate::net::{self, Document, Metadata};
use crate::toolchain::Error;
use crate::toolchain::shared::locked::Expected;
use crate::toolchain::shared::platforms;

/// Go as the module `golang.org/toolchain` (<https://go.dev/ref/mod#goproxy-protocol>).
#[derive(Debug)]
pub(super) struct Proxy {
    /// The verifier key of the checksum database.
    key: Cow<'static, str>,
}

const MODULE: &str = "golang.org/toolchain";

/// Where the checksum database is read: through the proxy, as the go command does, else directly.
const DATABASES: [&str; 2] = ["goproxy:///sumdb/sum.golang.org", "https://sum.golang.org"];

/// The database, as proofs name it.
const SOURCE: &str = "sum.golang.org";

/// `golang.org/toolchain@v0.0.1-go1.22.5.linux-amd64/`
const STRIP: usize = 2;

/// Returns what a lock says about the module of a release.
pub(super) fn expected(version: &Version, platform: Platform) -> Expected<'static> {
    let zip = zip(&module_version(&version::release_name(version), platform));
    Expected {
        url: documents::document(&zip, None, |_| Ok(())).url,
        algorithm: Some(Algorithm::GoModule),
        proofs: &[(Level::Signature, SOURCE)],
        format: Some(Format::GoModuleZip),
        strip: STRIP,
    }
}

fn module_version(name: &str, platform: Platform) -> String {
    format!("v0.0.1-go{name}.{}-{}", platform.os.as_str(), platform.arch.as_str())
}

fn zip(module_version: &str) -> String {
    format!("goproxy:///{MODULE}/@v/{module_version}.zip")
}

impl Default for Proxy {
    /// Returns the proxy with the key of sum.golang.org.
    fn default() -> Self {
        Self { key: Cow::Borrowed(SUM_GOLANG_ORG) }
    }
}

impl Proxy {
    pub(super) async fn candidates(
        &self,
        channel: &Channel,
        policy: &Policy,
        metadata: &dyn Metadata,
    ) -> Result<Vec<Candidate>, Error> {
        let list = list();
        let rows = parse_list(&read(&list, metadata).await?);
        let mut versions: Vec<Version> = rows.into_iter().map(|row| row.version).collect();
        if versions.is_empty() {
            return Err(Error::Document { url: list.url.to_string(), reason: "it lists no Go release".to_owned() });
        }
        if let Channel::Exact(exact) = channel {
            versions.extend(version::release(&version::release_name(exact)));
        }
        versions.sort();
        versions.dedup();
        Ok(super::candidates(versions, &read_history(policy, metadata).await?))
    }

    pub(super) async fn release(
        &self,
        version: &Version,
        platform: Platform,
        metadata: &dyn Metadata,
    ) -> Result<Release, Error> {
        let name = version::release_name(version);
        let module_version = module_version(&name, platform);
        let zip = zip(&module_version);
        let url = documents::document(&zip, None, |_| Ok(())).url;
        let digest = match self.proven(&module_version, &zip, metadata).await {
            Ok(digest) => digest,
            Err(error) => return Err(explain_unknown(error, version, platform, metadata).await),
        };
        let artifact = Artifact {
            url,
            digest,
            proof: Proof { level: Level::Signature, source: SOURCE.to_owned() },
            size: None,
            format: Format::GoModuleZip,
            strip: STRIP,
        };
        let version = version::release(&name).unwrap_or_else(|| version.clone());
        Ok(CARD.release(&version, platform, vec![artifact]))
    }

    /// Returns the hash of the module's zip file, proven by the checksum database.
    async fn proven(&self, module_version: &str, zip: &str, metadata: &dyn Metadata) -> Result<Digest, Error> {
        let unproven = |reason: String| Error::UnusableChecksum {
            url: zip.to_owned(),
            reason: format!("the checksum database does not prove it: {reason}"),
        };
        let (database, answer) = look_up(module_version, metadata).await?;
        let key = Key::parse(&self.key).ok_or_else(|| unproven("its key is not valid".to_owned()))?;
        let lookup = Lookup::open(&answer, &key).map_err(unproven)?;
        let mut tiles = BTreeMap::new();
        for tile in lookup.tiles() {
            tiles.insert(tile, read_tile(database, tile, metadata).await?);
        }
        lookup.prove(&tiles, MODULE, module_version).map_err(unproven)
    }
}

/// Queries the database through the proxy, and directly only when the proxy does not relay it
/// (<https://go.dev/ref/mod#checksum-database>): behind a firewall a direct request would fail after minutes.
async fn look_up(module_version: &str, metadata: &dyn Metadata) -> Result<(&'static str, Vec<u8>), Error> {
    let question = |database: &str| {
        documents::document(&format!("{database}/lookup/{MODULE}@{module_version}"), None, sumdb::check_lookup)
    };
    let [relayed, direct] = DATABASES;
    let first = match read(&question(relayed), metadata).await {
        Ok(answer) => return Ok((relayed, answer)),
        Err(first) => first,
    };
    let relays = documents::document(&format!("{relayed}/supported"), None, |_| Ok(()));
    if metadata.read(&relays).await.is_ok() {
        return Err(first);
    }
    let answer = read(&question(direct), metadata).await;
    answer.map(|answer| (direct, answer)).map_err(|_| first) // the proxy's answer is the one that explains
}

/// Replaces "not found" from the database by an error that says what the proxy lists instead.
async fn explain_unknown(unknown: Error, version: &Version, platform: Platform, metadata: &dyn Metadata) -> Error {
    let gone = matches!(&unknown, Error::Metadata { source: net::Error::Status { status: 404 | 410, .. }, .. });
    let Some(bytes) = (if gone { metadata.read(&list()).await.ok() } else { None }) else {
        return unknown;
    };
    let rows = parse_list(&bytes);
    let published = platforms::names(rows.iter().filter(|row| row.version == *version).map(|row| &row.platform));
    if published.is_empty() {
        let mut versions: Vec<_> = rows.into_iter().map(|row| row.version).collect();
        versions.sort_by(|a, b| b.cmp(a));
        versions.dedup();
        return super::no_such_version(version, versions.iter());
    }
    if published.contains(&format!("{}/{}", platform.os.as_str(), platform.arch.as_str())) {
        return unknown;
    }
    platforms::not_published(CARD.name, version, platform, &published)
}

/// Reads a tile. A partial tile may have been replaced by the full one in the meantime.
async fn read_tile(database: &str, tile: Tile, metadata: &dyn Metadata) -> Result<Vec<u8>, Error> {
    let document = |tile: Tile| -> Document {
        documents::document(&format!("{database}/{}", tile.path()), None, sumdb::check_tile)
    };
    match read(&document(tile), metadata).await {
        Err(first) if !tile.is_full() => read(&document(tile.full()), metadata).await.map_err(|_| first),
        outcome => outcome,
    }
}

/// A line of the list.
struct Row {
    version: Version,
    platform: String,
}

fn list() -> Document {
    documents::document(&format!("goproxy:///{MODULE}/@v/list"), None, check_list)
}

fn check_list(bytes: &[u8]) -> Result<(), String> {
    if parse_list(bytes).is_empty() { Err("it lists no Go release".to_owned()) } else { Ok(()) }
}

/// Parses lines such as `v0.0.1-go1.22.5.linux-amd64`; others are other versions of the module and are left out.
fn parse_list(bytes: &[u8]) -> Vec<Row> {
    let text = String::from_utf8_lossy(bytes);
    let rows = text.lines().filter_map(|line| {
        let (name, platform) = line.trim().strip_prefix("v0.0.1-go")?.rsplit_once('.')?;
        let (os, arch) = platform.split_once('-')?;
        Some(Row { version: version::release(name)?, platform: format!("{os}/{arch}") })
    });
    rows.collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Mutex;

    use async_trait::async_trait;

    use super::super::GO;
    use super::super::sumdb::tests::{Database, record};
    use super::*;
    use crate::toolchain::Toolchain;

    /// Serves a list and a database, through the proxy or directly, and counts what was read.
    struct FakeUpstream {
        list: &'static str,
        database: Database,
        base: &'static str,
        numbers: BTreeMap<String, usize>,
        full_tiles_only: bool,
        reads: Mutex<Vec<String>>,
    }

    impl FakeUpstream {
        fn new(base: &'static str) -> Self {
            let mut records: Vec<String> = (0..600).map(|i| format!("example.org/m{i} v1.0.0 h1:x\n")).collect();
            let mut numbers = BTreeMap::new();
            for (number, platform) in [(5, "linux-amd64"), (300, "linux-arm64"), (599, "linux-arm")] {
                let version = format!("v0.0.1-go1.22.5.{platform}");
                records[number] = record(&version, number as u8);
                numbers.insert(version, number);
            }
            let list = "v0.0.1-go1.22.5.linux-amd64\nv0.0.1-go1.27.0.linux-arm64\nv0.0.1-go1.26.1.linux-amd64\n\
                v0.0.1-go1.26rc1.linux-amd64\nv0.0.1-go1.20.linux-amd64\nv0.0.2\n";
            let database = Database::new("sum.golang.org", records);
            Self { list, database, base, numbers, full_tiles_only: false, reads: Mutex::default() }
        }

        fn source(&self) -> Proxy {
            Proxy { key: Cow::Owned(self.database.key()) }
        }

        fn answer(&self, url: &str) -> Option<Vec<u8>> {
            if url == "goproxy:///golang.org/toolchain/@v/list" {
                return Some(self.list.as_bytes().to_vec());
            }
            let path = url.strip_prefix(self.base)?.strip_prefix('/')?;
            if path == "supported" {
                return Some(Vec::new());
            }
            match path.strip_prefix("lookup/golang.org/toolchain@") {
                Some(version) => Some(self.database.lookup(*self.numbers.get(version)?).into_bytes()),
                None if self.full_tiles_only && !path.contains(".p/") => {
                    // The tree has grown: the server has a longer tile and no part of it any more.
                    let grown = (1..256).find_map(|width| self.database.tile(&format!("{path}.p/{width}")));
                    self.database.tile(path).or_else(|| Some([grown?, vec![7; 32]].concat()))
                }
                None if self.full_tiles_only => None,
                None => self.database.tile(path),
            }
        }
    }

    #[async_trait]
    impl Metadata for FakeUpstream {
        async fn read(&self, document: &Document) -> Result<Vec<u8>, net::Error> {
            let url = document.url.to_string();
            self.reads.lock().unwrap().push(url.clone());
            let answer = self.answer(&url).ok_or(net::Error::Status { url, status: 404 })?;
            (document.check)(&answer).unwrap();
            Ok(answer)
        }

        fn warn(&self, _: &str) {}
    }

    fn run<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
    }

    fn release(upstream: &FakeUpstream, version: &str, platform: &str) -> Result<Release, Error> {
        let version = version::release(version).unwrap();
        run(upstream.source().release(&version, platform.parse().unwrap(), upstream))
    }

    #[test]
    fn a_release_is_proven_for_every_platform_that_has_a_record() {
        for base in DATABASES {
            let upstream = FakeUpstream::new(base);
            for (platform, number) in
                [("linux/amd64", 5), ("linux/amd64/musl", 5), ("linux/arm64", 300u64), ("linux/arm", 599)]
            {
                let release = release(&upstream, "1.22.5", platform).unwrap();
                let artifact = &release.artifacts[0];
                assert_eq!(artifact.digest.bytes(), [number as u8; 32], "{platform}");
                assert_eq!(artifact.digest.algorithm().prefix(), "h1");
                assert_eq!(
                    (artifact.proof.level, artifact.proof.source.as_str()),
                    (Level::Signature, "sum.golang.org")
                );
                assert_eq!((artifact.strip, artifact.format, artifact.size), (2, Format::GoModuleZip, None));
                let arch = platform.split('/').nth(1).unwrap();
                assert_eq!(
                    artifact.url.as_str(),
                    format!("goproxy:///golang.org/toolchain/@v/v0.0.1-go1.22.5.linux-{arch}.zip")
                );
                assert_eq!(artifact.file_name(), format!("v0.0.1-go1.22.5.linux-{arch}.zip"));
            }
        }
    }

    #[test]
    fn a_grown_tile_serves_as_well() {
        let mut upstream = FakeUpstream::new(DATABASES[0]);
        upstream.full_tiles_only = true;
        assert!(release(&upstream, "1.22.5", "linux/amd64").is_ok());
    }

    #[test]
    fn a_release_without_record_or_proof_is_none() {
        let upstream = FakeUpstream::new(DATABASES[0]);
        let error = release(&upstream, "1.22.5", "darwin/arm64").unwrap_err().to_string();
        assert_eq!(error, "go 1.22.5 is published for linux/amd64, not for darwin/arm64");
        let direct = upstream.reads.lock().unwrap().iter().any(|url| url.starts_with("https:"));
        assert!(!direct, "a proxy that relays the database is not passed by");
        let error = release(&upstream, "1.22.6", "linux/amd64").unwrap_err();
        assert!(matches!(&error, Error::NoSuchVersion { near, .. } if near == &["1.22.5"]), "{error}");
        assert!(
            matches!(release(&upstream, "1.26.1", "linux/amd64"), Err(Error::Metadata { .. })),
            "listed, yet without record"
        );
        let mut upstream = FakeUpstream::new(DATABASES[0]);
        upstream.numbers.insert("v0.0.1-go1.22.5.linux-arm64".to_owned(), 5);
        let error = release(&upstream, "1.22.5", "linux/arm64").unwrap_err();
        assert!(matches!(&error, Error::UnusableChecksum { reason, .. } if reason.contains("is not about")), "{error}");
        let upstream = FakeUpstream::new(DATABASES[0]);
        let version = version::release("1.22.5").unwrap();
        let error = run(Proxy::default().release(&version, "linux/amd64".parse().unwrap(), &upstream)).unwrap_err();
        assert!(
            matches!(&error, Error::UnusableChecksum { reason, .. } if reason.contains("no signature by")),
            "{error}"
        );
    }

    #[test]
    fn candidates_are_what_the_proxy_lists_and_the_requested_version() {
        let upstream = FakeUpstream::new(DATABASES[0]);
        let policy = Policy::on("2026-11-23".parse().unwrap());
        for (text, pick) in [
            ("latest", "1.27.0"),
            ("oldstable", "1.26.1"),
            ("1.26", "1.26.1"),
            ("1.26rc1", "1.26rc1"),
            ("1.20.0", "1.20"),
            ("1.25.3", "1.25.3"), // not listed: tried all the same
            ("^1.22", "1.27.0"),
        ] {
            let channel = GO.channel(text).unwrap();
            let candidates = run(Proxy::default().candidates(&channel, &policy, &upstream)).unwrap();
            let choice = GO.choose(&channel, &candidates, &policy);
            assert_eq!(choice.pick.unwrap().version.as_str(), pick, "{text}");
        }
        assert_eq!(upstream.reads.lock().unwrap().len(), 7, "one document per request");
    }
}
