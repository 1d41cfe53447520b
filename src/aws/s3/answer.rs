//! S3's XML responses: errors, lists, upload ids
//! (<https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html>).

use roxmltree::{Document, Node};

use super::location::Location;
use super::{Error, Listed};
use crate::aws::{self, AwsMessage, Service, classify, needs};
use crate::net::header::HeaderMap;

/// What was to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    Read,
    List,
    Write,
    Delete,
    Abort,
}

/// The target and the identity of a request.
#[derive(Debug, Clone, Copy)]
pub(super) struct Requested<'a> {
    pub(super) location: &'a Location,
    /// The region of the request; empty before it is known.
    pub(super) region: &'a str,
    /// For anonymous requests: true if the location asks for them, false if there are no credentials.
    pub(super) anonymous: Option<bool>,
}

/// A parsed error response.
#[derive(Debug, Default)]
pub(super) struct Fault {
    pub(super) status: u16,
    pub(super) code: String,
    message: String,
    /// The region that the bucket is in.
    region: Option<String>,
    /// True if the response seems to come from a proxy or portal, not from S3.
    pub(super) foreign: bool,
}

impl Action {
    /// Returns the required permission: on the bucket, or on all objects of the mirror.
    fn need(self, Requested { location, region, .. }: Requested<'_>) -> aws::Need {
        let (bucket, objects) = (&location.bucket, format!("{}*", location.prefix));
        match self {
            Self::Read => needs::get_object(region, bucket, &objects),
            Self::List => needs::list_bucket(region, bucket),
            Self::Write => needs::put_object(region, bucket, &objects),
            Self::Delete => needs::delete_object(region, bucket, &objects),
            Self::Abort => needs::abort_multipart_upload(region, bucket, &objects),
        }
    }
}

impl Fault {
    /// Parses a response. HEAD has no body; then the header still names the right region.
    pub(super) fn read(status: u16, headers: &HeaderMap, body: &[u8]) -> Self {
        let region = headers.get("x-amz-bucket-region").and_then(|value| value.to_str().ok()).map(str::to_owned);
        let text = std::str::from_utf8(body).unwrap_or("<");
        let document = Document::parse(text.trim_start()).ok();
        let error = document.as_ref().map(Document::root_element).filter(|root| root.has_tag_name("Error"));
        let Some(error) = error else {
            return Self { status, region, foreign: !body.is_empty(), ..Self::default() };
        };
        let child = |name: &str| text_of(error, name).unwrap_or_default();
        let region = text_of(error, "Region").or(region);
        Self { status, code: child("Code"), message: child("Message"), region, foreign: false }
    }

    /// Converts it to an error. `attempts` is the number of attempts.
    pub(super) fn classify(&self, of: Requested<'_>, action: Action, attempts: u32) -> Error {
        let need = action.need(of);
        let bucket = format!("the bucket `{}`", of.location.bucket);
        if let Some(error) = self.elsewhere(&bucket, of.region) {
            return error;
        }
        let of_s3 = |reason: String| Error::Answer { service: Service::S3.name, reason };
        if self.foreign {
            return of_s3(format!("status {} without a message from S3", self.status));
        }
        if let Some(configured) = of.anonymous.filter(|_| matches!(self.status, 401 | 403)) {
            return Error::Anonymous { need, configured, source: AwsMessage::new(&self.message) };
        }
        match (self.status, self.code.as_str()) {
            (412, _) | (_, "PreconditionFailed" | "ConditionalRequestConflict") => {
                Error::Condition { what: format!("an object of {}", of.location) }
            }
            (
                _,
                "RequestTimeout" | "BadDigest" | "XAmzContentSHA256Mismatch" | "IncompleteBody" | "OperationAborted",
            ) => of_s3(format!("{} with status {}", self.code, self.status)),
            (_, code) => {
                let what = if code == "NoSuchBucket" { bucket } else { of.location.to_string() };
                let refusal = aws::Refusal { status: self.status, code, message: &self.message, attempts };
                classify(Service::S3, &need, &what, refusal)
            }
        }
    }

    /// Recognizes the responses of a region that does not have the bucket.
    fn elsewhere(&self, bucket: &str, region: &str) -> Option<Error> {
        let right = self.region.as_deref().filter(|right| *right != region);
        let plainly = match self.code.as_str() {
            "PermanentRedirect" | "TemporaryRedirect" => true,
            "AuthorizationHeaderMalformed" | "IllegalLocationConstraintException" => right.is_some(),
            // HEAD has no error code.
            "" => matches!(self.status, 301 | 307 | 400) && right.is_some(),
            _ => false,
        };
        let right =
            right.map(|region| region.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').take(32).collect());
        plainly.then(|| Error::OtherRegion { what: bucket.to_owned(), region: region.to_owned(), right })
    }
}

/// Reads a value from a document: the id of an upload, the tag of a completed object.
pub(super) fn value(body: &[u8], root: &str, name: &str) -> Option<String> {
    // S3 sends spaces while it works on a response, so that the connection stays open.
    let document = Document::parse(std::str::from_utf8(body).ok()?.trim_start()).ok()?;
    let element = document.root_element();
    if element.tag_name().name() != root {
        return None;
    }
    text_of(element, name)
}

/// One page of a list, and the token of the next one.
pub(super) struct Page {
    pub(super) objects: Vec<Listed>,
    pub(super) next: Option<String>,
}

/// Reads a page of a list whose keys begin with `prefix`
/// (<https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html>).
pub(super) fn page(body: &[u8], prefix: &str) -> Option<Page> {
    let document = Document::parse(std::str::from_utf8(body).ok()?.trim_start()).ok()?;
    let root = document.root_element();
    if root.tag_name().name() != "ListBucketResult" {
        return None;
    }
    let is_encoded = text_of(root, "EncodingType").as_deref() == Some("url");
    let mut objects = Vec::new();
    for entry in root.children().filter(|node| node.tag_name().name() == "Contents") {
        let key = text_of(entry, "Key")?;
        let key = if is_encoded { decoded(&key)? } else { key };
        let size = text_of(entry, "Size")?.parse().ok()?;
        // Empty objects whose names end with a slash are the console's folders.
        if let Some(path) = key.strip_prefix(prefix).filter(|path| !path.is_empty() && !path.ends_with('/')) {
            objects.push(Listed { path: path.to_owned(), size });
        }
    }
    let truncated = text_of(root, "IsTruncated").as_deref() == Some("true");
    let next = if truncated { Some(text_of(root, "NextContinuationToken")?) } else { None };
    Some(Page { objects, next })
}

fn text_of(element: Node<'_, '_>, name: &str) -> Option<String> {
    let child = element.children().find(|node| node.tag_name().name() == name)?;
    Some(child.text().unwrap_or_default().to_owned())
}

/// Decodes keys in lists, in which a `+` is a space.
fn decoded(key: &str) -> Option<String> {
    let pair = format!("k={key}");
    let (_, value) = url::form_urlencoded::parse(pair.as_bytes()).next()?;
    (!value.contains('\u{fffd}')).then(|| value.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_read_page_by_page() {
        let body = br#"<?xml version="1.0" encoding="UTF-8"?>
            <ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><EncodingType>url</EncodingType>
            <Contents><Key>tools/</Key><Size>0</Size></Contents>
            <Contents><Key>tools/a+b%2Bc%25/%C3%A9</Key><Size>7</Size></Contents>
            <Contents><Key>tools/folder/</Key><Size>0</Size></Contents>
            <IsTruncated>true</IsTruncated><NextContinuationToken>x/y=</NextContinuationToken></ListBucketResult>"#;
        let read = page(body, "tools/").unwrap();
        assert_eq!(read.objects, [Listed { path: "a b+c%/é".to_owned(), size: 7 }]);
        assert_eq!(read.next.as_deref(), Some("x/y="));
        assert!(page(b"<ListBucketResult/>", "").unwrap().next.is_none());
        for broken in [
            &b"<html></html>"[..],
            b"",
            b"\xff",
            b"<ListBucketResult><Contents><Key>a</Key></Contents></ListBucketResult>",
            b"<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>",
        ] {
            assert!(page(broken, "").is_none());
        }
    }

    #[test]
    fn an_error_is_read_wherever_it_stands() {
        let mut headers = HeaderMap::new();
        headers.insert("x-amz-bucket-region", "eu-west-1".parse().unwrap());
        let fault = Fault::read(403, &headers, b"<Error><Code>AccessDenied</Code><Message>No</Message></Error>");
        assert_eq!((fault.code.as_str(), fault.message.as_str(), fault.foreign), ("AccessDenied", "No", false));
        assert_eq!(fault.region.as_deref(), Some("eu-west-1"));
        assert!(!Fault::read(301, &headers, b"").foreign);
        for foreign in [&b"<html>Forbidden</html>"[..], b"Forbidden", b"\xff\xfe"] {
            assert!(Fault::read(403, &headers, foreign).foreign);
        }
        let done = b"<CompleteMultipartUploadResult><ETag>&quot;e-2&quot;</ETag></CompleteMultipartUploadResult>";
        assert_eq!(value(done, "CompleteMultipartUploadResult", "ETag").as_deref(), Some("\"e-2\""));
        assert_eq!(value(b"<Error/>", "CompleteMultipartUploadResult", "ETag"), None);
    }
}
