//! Writes an index. The same images and annotations always give the same bytes, so that a second run pushes the same
//! index.

use std::collections::BTreeMap;

use serde::Serialize;

use super::child::{Child, Spelling};
use super::error::IndexError;
use super::plan::Plan;
use crate::oci::{self, Manifest};

const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";
const DOCKER_LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";

/// Labels with this prefix correspond to annotations
/// (<https://github.com/opencontainers/image-spec/blob/main/annotations.md#back-compatibility-with-label-schema>).
const SHARED: &str = "org.opencontainers.image.";

/// The two formats of an index, which differ only in names and annotations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// An OCI image index, which may contain images in both formats.
    Oci,
    /// A Docker manifest list, which contains only images in Docker's format and has no annotations.
    Docker,
}

/// How the index is to be written.
#[derive(Debug, Clone, Default)]
pub struct IndexSpec {
    /// The format; none for Docker's if all images are in it, as `docker buildx imagetools` does, else OCI's.
    pub format: Option<Format>,
    /// The annotations of the index.
    pub annotations: BTreeMap<String, String>,
    /// True to add the labels that all images have in common.
    pub labels: bool,
}

// `oci_spec` does not order annotations and misspells `os.version`, so these types are used for writing.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Index<'a> {
    schema_version: u8,
    media_type: &'a str,
    manifests: Vec<Row<'a>>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    annotations: BTreeMap<String, String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Row<'a> {
    media_type: &'a str,
    digest: String,
    size: usize,
    platform: Platform<'a>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    annotations: BTreeMap<String, String>,
}

#[derive(Serialize)]
struct Platform<'a> {
    architecture: &'a str,
    os: &'a str,
    #[serde(rename = "os.version", skip_serializing_if = "Option::is_none")]
    os_version: Option<&'a str>,
    #[serde(rename = "os.features", skip_serializing_if = "<[String]>::is_empty")]
    os_features: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    variant: Option<&'a str>,
}

/// Writes the index.
///
/// # Errors
/// When Docker's format is requested, but cannot represent the index.
pub fn compose(plan: &Plan, spec: &IndexSpec) -> Result<Manifest, IndexError> {
    let format = format(plan.children(), spec)?;
    let media_type = match format {
        Format::Oci => OCI_INDEX,
        Format::Docker => DOCKER_LIST,
    };
    let mut annotations = if spec.labels { agreed(plan.children()) } else { BTreeMap::new() };
    annotations.extend(spec.annotations.clone());
    let manifests = plan.children().iter().map(|child| row(child, format)).collect();
    let index = Index { schema_version: 2, media_type, manifests, annotations };
    let bytes = serde_json::to_vec_pretty(&index).expect("an index is made of texts and numbers");
    let unfit = |reason| oci::Error::Document { what: "the index".to_owned(), reason };
    Ok(Manifest::read(Some(media_type), bytes).map_err(unfit)?)
}

fn format(children: &[Child], spec: &IndexSpec) -> Result<Format, IndexError> {
    let annotated = spec.labels || !spec.annotations.is_empty();
    let other = children.iter().find(|child| !is_docker(child));
    match (spec.format, other) {
        (Some(Format::Docker), _) if annotated => Err(IndexError::NoAnnotations),
        (Some(Format::Docker), Some(child)) => Err(IndexError::MixedFormats { name: child.name.clone() }),
        (Some(format), _) => Ok(format),
        (None, None) if !annotated => Ok(Format::Docker),
        (None, _) => Ok(Format::Oci),
    }
}

fn is_docker(child: &Child) -> bool {
    child.manifest.media_type.starts_with("application/vnd.docker.")
}

fn row(child: &Child, format: Format) -> Row<'_> {
    let Spelling { os, architecture, variant, os_version, os_features } = &child.spelling;
    Row {
        media_type: &child.manifest.media_type,
        digest: child.manifest.digest.to_string(),
        size: child.manifest.bytes.len(),
        platform: Platform {
            architecture,
            os,
            os_version: os_version.as_deref(),
            os_features,
            variant: variant.as_deref(),
        },
        annotations: if format == Format::Oci { child.annotations.clone() } else { BTreeMap::new() },
    }
}

/// Returns the labels that all images have with the same value.
fn agreed(children: &[Child]) -> BTreeMap<String, String> {
    let Some((first, rest)) = children.split_first() else { return BTreeMap::new() };
    let all_agree = |key: &str, value: &str| rest.iter().all(|child| child.labels.get(key).is_some_and(|v| v == value));
    let shared = first.labels.iter().filter(|(key, value)| key.starts_with(SHARED) && all_agree(key, value));
    shared.map(|(key, value)| (key.clone(), value.clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::index::child::Found;
    use crate::image::index::child::tests::child;

    const DOCKER: &str = "application/vnd.docker.distribution.manifest.v2+json";

    fn plan(children: Vec<Child>) -> Plan {
        Plan::new(Found { children, notes: Vec::new() }, &[]).unwrap()
    }

    fn docker(name: &str, platform: &str) -> Child {
        let mut child = child(name, platform);
        child.manifest.media_type = DOCKER.to_owned();
        child
    }

    #[test]
    fn the_format_is_that_of_the_images_where_they_agree() {
        let both = || vec![child("app:1", "linux/amd64"), docker("app:2", "linux/arm64")];
        let dockers = || vec![docker("app:1", "linux/amd64"), docker("app:2", "linux/arm64")];
        let note = |text: &str| BTreeMap::from([("key".to_owned(), text.to_owned())]);
        let spec = |format, annotations| IndexSpec { format, annotations, labels: false };
        for (children, spec, expected) in [
            (both(), spec(None, BTreeMap::new()), Ok(OCI_INDEX)),
            (dockers(), spec(None, BTreeMap::new()), Ok(DOCKER_LIST)),
            (dockers(), spec(None, note("x")), Ok(OCI_INDEX)),
            (dockers(), spec(Some(Format::Oci), BTreeMap::new()), Ok(OCI_INDEX)),
            (dockers(), spec(Some(Format::Docker), BTreeMap::new()), Ok(DOCKER_LIST)),
            (dockers(), spec(Some(Format::Docker), note("x")), Err("cannot have annotations")),
            (both(), spec(Some(Format::Docker), BTreeMap::new()), Err("app:1 is in OCI's")),
        ] {
            match (compose(&plan(children), &spec), expected) {
                (Ok(index), Ok(expected)) => assert_eq!(index.media_type, expected),
                (Err(error), Err(said)) => assert!(error.to_string().contains(said), "{error}"),
                (found, expected) => panic!("{found:?}, not {expected:?}"),
            }
        }
    }

    #[test]
    fn an_index_says_what_its_images_are_and_is_always_the_same() {
        let mut windows = child("app:3", "windows/amd64");
        windows.spelling.os_version = Some("10.0.17763.1".to_owned());
        windows.spelling.os_features = vec!["win32k".to_owned()];
        windows.annotations.insert("row".to_owned(), "kept".to_owned());
        let mut arm = child("app:2", "linux/arm64");
        arm.spelling.variant = Some("v8".to_owned());
        let children = vec![child("app:1", "linux/amd64"), arm, windows];
        let annotations = (0..9).map(|number| (format!("key{number}"), "value".to_owned())).collect();
        let spec = IndexSpec { annotations, ..IndexSpec::default() };
        let plan = plan(children);
        let index = compose(&plan, &spec).unwrap();
        let again = compose(&plan, &spec).unwrap();
        assert_eq!((index.bytes.clone(), index.digest), (again.bytes, again.digest));
        let value: serde_json::Value = serde_json::from_slice(&index.bytes).unwrap();
        assert_eq!(value["schemaVersion"], 2);
        assert_eq!(value["annotations"]["key8"], "value");
        assert_eq!(value["manifests"][1]["platform"]["variant"], "v8");
        assert_eq!(value["manifests"][2]["platform"]["os.version"], "10.0.17763.1");
        assert_eq!(value["manifests"][2]["platform"]["os.features"][0], "win32k");
        assert_eq!(value["manifests"][2]["annotations"]["row"], "kept");
        assert_eq!(value["manifests"][0]["size"], plan.children()[0].manifest.bytes.len());
    }

    #[test]
    fn labels_become_annotations_where_all_images_agree() {
        let labelled = |name: &str, platform: &str, labels: &[(&str, &str)]| {
            let mut child = child(name, platform);
            child.labels = labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
            child
        };
        let (source, revision) = ("org.opencontainers.image.source", "org.opencontainers.image.revision");
        let plan = plan(vec![
            labelled("app:1", "linux/amd64", &[(source, "here"), (revision, "1"), ("own", "x")]),
            labelled("app:2", "linux/arm64", &[(source, "here"), (revision, "2"), ("own", "x")]),
        ]);
        let annotations = |labels, own: &[(&str, &str)]| {
            let annotations = own.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
            let index = compose(&plan, &IndexSpec { format: None, annotations, labels }).unwrap();
            serde_json::from_slice::<serde_json::Value>(&index.bytes).unwrap()["annotations"].clone()
        };
        assert_eq!(annotations(false, &[]), serde_json::Value::Null);
        assert_eq!(annotations(true, &[]), serde_json::json!({ source: "here" }));
        assert_eq!(annotations(true, &[(source, "there")]), serde_json::json!({ source: "there" }));
    }
}
