//! Records the upstream documents that a project needs: resolves its requests and locked versions again, and keeps
//! every document that is read.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use serde_json::Value;
use url::Url;

use super::{Error, Use};
use crate::model::{Digest, Platform, Version};
use crate::net::{self, Document, Metadata, Mirror};
use crate::project::{Lock, LockedTool};
use crate::provision::{self, Context, ToolRequest};
use crate::toolchain;

/// The recorded documents in the order of the first read: release indexes before the documents that they lead to.
#[derive(Debug, Default)]
pub struct Documents(Mutex<Vec<Recorded>>);

/// A document as a mirror serves it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// Its path in a mirror.
    pub path: String,
    /// Its bytes; all pages joined to one.
    pub bytes: Vec<u8>,
    /// The tools that read it.
    pub uses: BTreeSet<Use>,
}

impl Documents {
    /// Reads the documents that `resolve`, `lock` and `install` need for these requests and for the locked versions.
    ///
    /// # Errors
    /// When a document cannot be read. A locked version that its upstream no longer lists is only a warning: its
    /// archives may still exist.
    pub async fn of(requests: &[ToolRequest], lock: &Lock, context: &Context<'_>) -> Result<Vec<Recorded>, Error> {
        let documents = Self::default();
        for (request, locked) in requests.iter().zip(provision::pair(requests, lock)) {
            if let Some(locked) = locked {
                documents.read(request, locked, context).await?;
            }
        }
        Ok(documents.0.into_inner().unwrap_or_else(PoisonError::into_inner))
    }

    async fn read(&self, request: &ToolRequest, locked: &LockedTool, context: &Context<'_>) -> Result<(), Error> {
        let recorder = Recorder { documents: self, context, locked };
        let context = Context { metadata: &recorder, ..*context };
        let platforms = platforms(locked);
        let resolved = provision::resolve(std::slice::from_ref(request), &[], &context).await;
        match resolved.map(|mut resolved| resolved.remove(0)) {
            Ok(resolved) if resolved.version().as_str() == locked.version => {}
            Ok(resolved) => {
                let pick = resolved.version();
                let (text, name, version) = (request.text(), &locked.name, &locked.version);
                context.report.noted(&format!("{text} now means {pick}; the archives are of {name} {version}"));
                for platform in &platforms {
                    // The documents of the newest version only help requests without a lock, so errors are ignored.
                    let _ = request.tool.release(pick, *platform, &recorder).await;
                }
            }
            // The documents were read. A release line that has ended in the meantime stays available to those who
            // locked it.
            Err(provision::Error::NothingChosen { .. }) => {
                let (request, version) = (request.text(), &locked.version);
                context
                    .report
                    .warned(&format!("{request} no longer resolves; the mirror serves {version} for the lock"));
            }
            Err(source) => return Err(Error::Request { request: request.text(), source: Box::new(source) }),
        }
        let Ok(version) = request.tool.version(&locked.version) else { return Ok(()) };
        for platform in platforms {
            recorder.release(request, &version, platform).await?;
        }
        Ok(())
    }

    fn keep(&self, document: &Document, pages: &[Vec<u8>], tool: &str) -> Result<(), net::Error> {
        let path = Mirror::path(&document.url, document.mirror_name)?;
        let unfit = |reason| net::Error::Unfit { url: net::shown(&document.url), reason };
        let mut found = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let at = match found.iter().position(|known| known.path == path) {
            Some(at) => at,
            None => {
                let bytes = in_one(pages).map_err(unfit)?;
                (document.check)(&bytes).map_err(unfit)?;
                found.push(Recorded { path, bytes, uses: BTreeSet::new() });
                found.len() - 1
            }
        };
        found[at].uses.insert(Use { tool: tool.to_owned(), version: None, platform: None });
        Ok(())
    }
}

fn platforms(locked: &LockedTool) -> BTreeSet<Platform> {
    locked.artifacts.iter().map(|locked| locked.platform).collect()
}

/// Reads documents for one tool, and records them.
struct Recorder<'a> {
    documents: &'a Documents,
    context: &'a Context<'a>,
    locked: &'a LockedTool,
}

impl Recorder<'_> {
    async fn release(&self, request: &ToolRequest, version: &Version, platform: Platform) -> Result<(), Error> {
        match request.tool.release(version, platform, self).await {
            Ok(_) => Ok(()),
            Err(toolchain::Error::NoSuchVersion { .. } | toolchain::Error::NoSuchPlatform { .. }) => {
                let (tool, version) = (&self.locked.name, &self.locked.version);
                self.context.report.warned(&format!(
                    "the upstream of {tool} no longer lists {version} for {platform}; its archives are only known from the lock"
                ));
                Ok(())
            }
            Err(source) => {
                let (tool, version) = (self.locked.name.clone(), self.locked.version.clone());
                Err(Error::Documents { tool, version, source: Box::new(source) })
            }
        }
    }
}

#[async_trait]
impl Metadata for Recorder<'_> {
    async fn read(&self, document: &Document) -> Result<Vec<u8>, net::Error> {
        let bytes = self.context.metadata.read(document).await?;
        self.documents.keep(document, std::slice::from_ref(&bytes), &self.locked.name)?;
        Ok(bytes)
    }

    async fn pages(&self, document: &Document) -> Result<Vec<Vec<u8>>, net::Error> {
        let pages = self.context.metadata.pages(document).await?;
        self.documents.keep(document, &pages, &self.locked.name)?;
        Ok(pages)
    }

    fn holds(&self, document: &Document) -> bool {
        self.context.metadata.holds(document)
    }

    /// Returns the digest of the lock: trust on first use was given when the lock was written.
    async fn first_seen(&self, url: &Url) -> Result<Option<Digest>, net::Error> {
        let mut artifacts = self.locked.artifacts.iter().map(|locked| &locked.artifact);
        Ok(artifacts.find(|artifact| artifact.url == *url).map(|artifact| artifact.digest.clone()))
    }

    fn warn(&self, warning: &str) {
        self.context.metadata.warn(warning);
    }
}

/// Joins pages to one, as a mirror serves it: concatenates lists, and the lists in objects.
fn in_one(pages: &[Vec<u8>]) -> Result<Vec<u8>, String> {
    if let [only] = pages {
        return Ok(only.clone());
    }
    let mut whole: Option<Value> = None;
    for page in pages {
        let page: Value = serde_json::from_slice(page).map_err(|cause| format!("a page of it is not JSON: {cause}"))?;
        match (&mut whole, page) {
            (None, page) => whole = Some(page),
            (Some(Value::Array(rows)), Value::Array(more)) => rows.extend(more),
            (Some(Value::Object(whole)), Value::Object(page)) => add(whole, page),
            _ => return Err("its pages have different types".to_owned()),
        }
    }
    serde_json::to_vec(&whole.unwrap_or_default()).map_err(|cause| cause.to_string())
}

fn add(whole: &mut serde_json::Map<String, Value>, page: serde_json::Map<String, Value>) {
    for (key, value) in page {
        match (whole.get_mut(&key), value) {
            (Some(Value::Array(rows)), Value::Array(more)) => rows.extend(more),
            (Some(_), _) => {}
            (None, value) => {
                whole.insert(key, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_become_one() {
        for (pages, expected) in [
            (&["{ \"as\": \"it is\" }"][..], Some("{ \"as\": \"it is\" }")),
            (&["no JSON"], Some("no JSON")),
            (&["[1,2]", "[3]", "[]"], Some("[1,2,3]")),
            (
                &["{\"name\":\"x\",\"tags\":[\"a\"]}", "{\"name\":\"x\",\"tags\":[\"b\"]}"],
                Some("{\"name\":\"x\",\"tags\":[\"a\",\"b\"]}"),
            ),
            (&["[1]", "{}"], None),
            (&["[1]", "no JSON"], None),
        ] {
            let pages: Vec<_> = pages.iter().map(|page| page.as_bytes().to_vec()).collect();
            assert_eq!(in_one(&pages).ok(), expected.map(|text| text.as_bytes().to_vec()));
        }
    }
}
