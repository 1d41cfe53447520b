use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;

use super::*;
use crate::model::{Explain, Kind};

const ONE: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
const TWO: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

/// A GitHub with the given pages of releases and files.
#[derive(Default)]
struct Hub {
    pages: Vec<String>,
    files: BTreeMap<String, String>,
    /// What it answers instead of pages.
    fails: Option<fn() -> net::Error>,
    /// The digest of every file as it is today, where the policy takes that.
    seen: Option<String>,
    requests: Mutex<Vec<String>>,
}

#[async_trait]
impl Metadata for Hub {
    async fn read(&self, document: &Document) -> Result<Vec<u8>, net::Error> {
        let url = document.url.as_str();
        self.requests.lock().unwrap().push(url.to_owned());
        let missing = || net::Error::Status { url: url.to_owned(), status: 404 };
        let text = self.files.get(url).ok_or_else(missing)?;
        let unfit = |reason| net::Error::Unfit { url: url.to_owned(), reason };
        (document.check)(text.as_bytes()).map(|()| text.clone().into_bytes()).map_err(unfit)
    }

    async fn pages(&self, document: &Document) -> Result<Vec<Vec<u8>>, net::Error> {
        self.requests.lock().unwrap().push(document.url.to_string());
        match self.fails {
            Some(error) => Err(error()),
            None => Ok(self.pages.iter().map(|page| page.clone().into_bytes()).collect()),
        }
    }

    async fn first_seen(&self, _: &Url) -> Result<Option<Digest>, net::Error> {
        Ok(self.seen.as_ref().map(|hex| format!("sha256:{hex}").parse().unwrap()))
    }

    fn warn(&self, _: &str) {}
}

fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

fn repository() -> Repository {
    Repository::parse("owner/tool").unwrap()
}

#[test]
fn a_repository_is_two_names_and_nothing_else() {
    for text in ["jqlang/jq", "a/b.c", "podman-container-tools/podman", "o/_x-1.2"] {
        assert_eq!(Repository::parse(text).unwrap().to_string(), text);
    }
    for text in [
        "jq",
        "",
        "/",
        "a/",
        "/b",
        "a/b/c",
        "a/..",
        "a/.",
        "../b",
        "a b/c",
        "a/b?x",
        "a/b#x",
        "a%2f/b",
        "a@b/c",
        "https://github.com/a/b",
        "a/b\n",
        "é/b",
        &format!("{}/b", "a".repeat(40)),
        &format!("a/{}", "b".repeat(101)),
    ] {
        assert!(Repository::parse(text).is_err(), "{text:?} passed");
    }
}

#[test]
fn downloads_keep_every_name_in_its_place() {
    for (tag, file, expected) in [
        ("v5.8.4", "podman-linux-amd64.tar.gz", "v5.8.4/podman-linux-amd64.tar.gz"),
        ("cli/v1.2", "a b", "cli/v1.2/a%20b"),
        ("@scope+1", "x?y#z", "@scope+1/x%3Fy%23z"),
    ] {
        let url = repository().download(tag, file);
        assert_eq!(url.as_str(), format!("https://github.com/owner/tool/releases/download/{expected}"));
    }
}

#[test]
fn drafts_half_uploads_and_repeated_releases_are_left_out() {
    let first = r#"[
        {"tag_name": "v3", "draft": true, "prerelease": false, "published_at": null, "assets": []},
        {"tag_name": "v2", "draft": false, "prerelease": true, "published_at": "2026-09-01T10:00:00Z", "author": {},
         "assets": [{"name": "a", "state": "uploaded", "size": 3, "digest": null, "label": ""},
                    {"name": "b", "state": "starter", "size": 0, "digest": null}]}]"#;
    let second = r#"[{"tag_name": "v2"}, {"tag_name": "v1", "published_at": "soon", "assets": [{"name": "a"}]}]"#;
    let hub = Hub { pages: vec![first.to_owned(), second.to_owned()], ..Hub::default() };
    let found = wait(releases("tool", &repository(), &hub)).unwrap();
    let shown: Vec<_> = found
        .iter()
        .map(|one| {
            format!("{} {} {:?} {}", one.tag, one.prerelease, one.day.map(|day| day.to_string()), one.assets.len())
        })
        .collect();
    assert_eq!(shown, [r#"v2 true Some("2026-09-01") 1"#, "v1 false None 1"]);
    assert_eq!(*hub.requests.lock().unwrap(), ["https://api.github.com/repos/owner/tool/releases?per_page=100"]);
}

#[test]
fn what_is_no_list_of_releases_is_refused() {
    for (text, expected) in [
        ("<html>rate limit</html>", "HTML"),
        (r#"{"message": "Not Found"}"#, "not a list of releases"),
        (r#"[{"name": "no tag"}]"#, "tag_name"),
        ("", "not a list"),
        (r#"[{"tag_name": "v1", "assets": [{"si"#, "not a list"),
    ] {
        assert!(check(text.as_bytes()).unwrap_err().contains(expected), "{text}");
    }
    assert!(check(b"[]").is_ok());
}

#[test]
fn the_limit_on_requests_is_told_from_other_refusals() {
    const LIST: &str = "https://api.github.com/repos/owner/tool/releases?per_page=…";
    type Fails = fn() -> net::Error;
    let status = |url: &str, status| net::Error::Status { url: url.to_owned(), status };
    let cases: [(Fails, &str, Kind); 7] = [
        (|| net::Error::Status { url: LIST.to_owned(), status: 403 }, "Limited", Kind::Upstream),
        (
            || net::Error::ComeBackLater { url: LIST.to_owned(), status: 429, wait: Duration::from_secs(3000) },
            "Limited",
            Kind::Upstream,
        ),
        (
            || net::Error::NoCopy {
                url: LIST.to_owned(),
                copies: "no copies are cached".to_owned(),
                source: Box::new(net::Error::Status { url: LIST.to_owned(), status: 403 }),
            },
            "Limited",
            Kind::Upstream,
        ),
        (|| net::Error::Status { url: LIST.to_owned(), status: 404 }, "NoRepository", Kind::Usage),
        (|| net::Error::Status { url: LIST.to_owned(), status: 500 }, "Metadata", Kind::Upstream),
        (|| net::Error::Status { url: "https://mirror.example/x".to_owned(), status: 403 }, "Metadata", Kind::Upstream),
        (|| net::Error::Missing { path: "/m/releases.json".into() }, "Metadata", Kind::Upstream),
    ];
    for (fails, variant, kind) in cases {
        let hub = Hub { fails: Some(fails), ..Hub::default() };
        let error = wait(releases("tool", &repository(), &hub)).unwrap_err();
        assert!(format!("{error:?}").starts_with(variant), "{error:?}");
        assert_eq!(error.kind(), kind, "{error}");
        assert!(!error.hints().is_empty());
    }
    let limited = failed("tool", &repository(), status(LIST, 403)).hints().join("\n");
    assert!(limited.contains("60 requests an hour") && limited.contains("--locked"), "{limited}");
}

/// Looks up the digest of `a` in a release with or without digests of GitHub's and a list of its own.
fn digest_of(published: Option<&str>, sums: Option<&str>, seen: Option<&str>) -> Result<(String, Level), String> {
    let asset = Asset { name: "a".to_owned(), size: None, digest: published.map(str::to_owned) };
    let release = Published { tag: "v1".to_owned(), prerelease: false, day: None, assets: vec![asset.clone()] };
    let mut hub = Hub { seen: seen.map(str::to_owned), ..Hub::default() };
    if let Some(sums) = sums {
        hub.files.insert(repository().download("v1", "shasums").to_string(), sums.to_owned());
    }
    let listed = sums.map(|_| "shasums");
    match wait(digest(&repository(), &release, &asset, listed, &hub)) {
        Ok((digest, proof)) => Ok((digest.hex(), proof.level)),
        Err(error) => Err(error.to_string()),
    }
}

#[test]
fn a_digest_comes_from_the_releases_list_then_from_github_then_from_what_is_there() {
    let (one, two) = (format!("sha256:{ONE}"), format!("sha256:{TWO}"));
    let (list, upper) = (format!("{ONE}  a\n{TWO}  b\n"), format!("{}  a\n", ONE.to_uppercase()));
    let checksum = Ok((ONE.to_owned(), Level::Checksum));
    assert_eq!(digest_of(Some(&one), None, None), checksum);
    assert_eq!(digest_of(None, Some(&list), None), checksum);
    assert_eq!(digest_of(Some(&one), Some(&upper), None), checksum);
    assert_eq!(digest_of(None, None, Some(ONE)), Ok((ONE.to_owned(), Level::FirstSeen)));
    // A published digest is never replaced by that of the file.
    assert_eq!(digest_of(Some(&one), None, Some(TWO)), checksum);
    for (published, sums, expected) in [
        (None, None, "GitHub publishes none"),
        (Some(two.as_str()), Some(list.as_str()), "shasums of the release lists sha256:e3b0…b855, and GitHub lists"),
        (Some(&one), Some(&list.replace("  a", "  other")), "does not list it"),
        (None, Some("<html>"), "could not read"),
        (None, Some(&format!("{ONE}  a\n{TWO}  a\n")), "two digests"),
        (Some("sha256:abc"), None, "hexadecimal digits"),
        (Some("md5:d41d8cd98f00b204e9800998ecf8427e"), None, "expected one of: sha256"),
        (Some(""), None, "algorithm is missing"),
    ] {
        let error = digest_of(published, sums, None).unwrap_err();
        assert!(error.contains(expected), "{published:?} {sums:?}: {error}");
    }
}
