//! What S3 refuses, and what is said of it: the action, the resource, what to paste; the right exit code; nothing half-made.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};
use toolkit::aws::Error;
use toolkit::aws::s3::{Condition, Content};
use toolkit::model::Explain;

use super::{bucket_in, bucket_of, root};
use crate::faults::wait_for;
use crate::support::front::{Answer, Front, Turn};
use crate::support::moto::{Keys, Moto};
use crate::support::world::World;

fn refusal(status: u16, code: &str, message: &str, more: &str) -> Answer {
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>{message}</Message>{more}</Error>"
    );
    Answer::new(status, "application/xml", body.into_bytes())
}

/// A world that reads from `s3://builds/tools` on a scripted server.
fn world(front: &Front) -> World {
    World::new()
        .with("TOOLKIT_MIRROR", "s3://builds/tools")
        .with("AWS_ENDPOINT_URL_S3", &format!("http://{}", front.host()))
        .with("AWS_REGION", "eu-west-1")
        .with("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
        .with("AWS_SECRET_ACCESS_KEY", "secret")
        .with("TOOLKIT_RETRIES", "1")
}

/// Installs from a server that answers everything like this, and returns what is said and how often it was asked.
fn said(answer: &Answer) -> (i32, String, usize) {
    let reply = answer.clone();
    let front = Front::answering(move |_, _| Turn::Answer(reply.clone()));
    let world = world(&front);
    let run = world.run(&["install", "go@1.26.1"]);
    assert!(world.store_listing().iter().all(|line| line.ends_with('/')), "something was left behind");
    (run.code.unwrap(), run.stderr, front.seen().len())
}

#[test]
fn each_refusal_has_a_message_and_an_exit_code_of_its_own() {
    let user = "User: arn:aws:sts::1:assumed-role/ci/x is not authorized to perform:";
    let denied = format!("{user} s3:GetObject on resource: &quot;arn:aws:s3:::builds/tools/x&quot; because no");
    let key = format!("{user} kms:Decrypt on resource: arn:aws:kms:eu-west-1:1:key/k because no resource-based");
    let malformed = "<Region>ap-south-1</Region>";
    for (answer, code, texts) in [
        (
            refusal(403, "AccessDenied", &denied, ""),
            3,
            &["AWS denies s3:GetObject on arn:aws:s3:::builds/tools/*", "\"Action\": \"s3:GetObject\"", "ListBucket"][..],
        ),
        (refusal(403, "AccessDenied", &key, ""), 3, &["kms:Decrypt on the key arn:aws:kms:eu-west-1:1:key/k, which"]),
        (refusal(404, "NoSuchBucket", "No", ""), 3, &["the bucket `builds` does not exist"]),
        (refusal(403, "InvalidAccessKeyId", "No", ""), 3, &["rejects the AWS credentials (InvalidAccessKeyId)"]),
        (refusal(403, "SignatureDoesNotMatch", "VERY LONG", ""), 3, &["(SignatureDoesNotMatch)"]),
        (refusal(403, "RequestTimeTooSkewed", "No", ""), 3, &["rejects the time", "set this machine's clock"]),
        (refusal(400, "ExpiredToken", "No", ""), 5, &["the AWS credentials have expired", "aws sso login"]),
        (
            refusal(301, "PermanentRedirect", "No", "").with("x-amz-bucket-region", "ap-south-1"),
            3,
            &["the bucket `builds` is not in eu-west-1, but in ap-south-1"],
        ),
        (refusal(400, "AuthorizationHeaderMalformed", "No", malformed), 3, &["but in ap-south-1"]),
        (refusal(400, "InvalidArgument", "Odd", ""), 2, &["S3 refuses s3:GetObject (InvalidArgument)", "Odd"]),
        (
            Answer::new(403, "text/html", b"<html>Blocked".to_vec()),
            3,
            &["answered 403 Forbidden", "a proxy or firewall"],
        ),
    ] {
        let (exit, stderr, _) = said(&answer);
        assert_eq!(exit, code, "{stderr}");
        for text in texts {
            assert!(stderr.contains(text), "`{text}` is not in: {stderr}");
        }
        assert!(!stderr.contains("VERY LONG"), "{stderr}");
    }
}

#[test]
fn throttling_is_waited_for_and_then_said() {
    let (exit, stderr, requests) = said(&refusal(503, "SlowDown", "Please reduce your request rate.", ""));
    assert_eq!((exit, requests), (3, 2), "{stderr}");
    assert!(stderr.contains("S3 is throttling requests (SlowDown); 2 attempts were made"), "{stderr}");
    let (exit, stderr, requests) = said(&refusal(500, "InternalError", "We encountered an internal error.", ""));
    assert_eq!((exit, requests), (3, 2), "{stderr}");
    assert!(stderr.contains("2 attempts"), "{stderr}");
}

#[test]
fn expired_credentials_are_renewed_once_and_the_download_goes_on() {
    let index = std::fs::read(crate::support::world::fixture_mirror().join("go.dev/dl/index-all.json")).unwrap();
    let front = Front::answering(move |seen, _| {
        let fresh = seen.headers["authorization"].contains("Credential=AKIDNEW2/");
        Turn::Answer(match (fresh, seen.target.ends_with("index-all.json")) {
            (false, _) => refusal(400, "ExpiredToken", "The provided token has expired.", ""),
            (true, true) => Answer::new(200, "application/json", index.clone()),
            (true, false) => refusal(404, "NoSuchKey", "No", ""),
        })
    });
    let world = world(&front).with("AWS_ACCESS_KEY_ID", "").with("AWS_SECRET_ACCESS_KEY", "");
    // Every call gives other credentials, as a broker of a CI does.
    let count = world.home().join("count");
    let script = format!(
        "#!/bin/sh\necho x >> '{0}'\nn=$(wc -l < '{0}')\necho \"{{\\\"Version\\\":1,\\\"AccessKeyId\\\":\\\"AKIDNEW$(($n))\\\",\
         \\\"SecretAccessKey\\\":\\\"s\\\",\\\"SessionToken\\\":\\\"t$(($n))\\\",\\\"Expiration\\\":\\\"2099-01-01T00:00:00Z\\\"}}\"\n",
        count.display()
    );
    let program = world.home().join("credentials.sh");
    std::fs::write(&program, script).unwrap();
    std::fs::create_dir_all(world.home().join(".aws")).unwrap();
    let config = format!("[default]\nregion = eu-west-1\ncredential_process = sh {}\n", program.display());
    std::fs::write(world.home().join(".aws/config"), config).unwrap();
    let version = world.json(&["resolve", "go@1.26.1", "--json"])[0]["version"].clone();
    assert_eq!(version, "1.26.1");
    let ids: Vec<_> = front.seen().iter().map(|seen| seen.headers["authorization"][28..36].to_owned()).collect();
    // The index twice, then the history.
    assert_eq!(ids, ["AKIDNEW1", "AKIDNEW2", "AKIDNEW2"], "{ids:?}");
}

#[test]
fn a_head_has_no_words_and_is_understood_all_the_same() {
    let front = Front::answering(|seen, _| {
        assert_eq!(seen.method, "HEAD");
        Turn::Answer(match seen.target.rsplit('/').next().unwrap() {
            "absent" => Answer::new(404, "application/xml", Vec::new()),
            "denied" => Answer::new(403, "application/xml", Vec::new()),
            _ => Answer::new(400, "application/xml", Vec::new()).with("x-amz-bucket-region", "ap-south-1"),
        })
    });
    let (bucket, _) = bucket_of(&format!("http://{}", front.host()), &root(), "s3://builds/tools");
    wait_for(async {
        assert_eq!(bucket.head("absent").await.unwrap(), None);
        let error = bucket.head("denied").await.unwrap_err();
        assert_eq!(error.to_string(), "AWS denies s3:GetObject on arn:aws:s3:::builds/tools/*");
        let error = bucket.head("elsewhere").await.unwrap_err();
        assert_eq!(error.to_string(), "the bucket `builds` is not in us-east-1, but in ap-south-1");
    });
}

#[test]
fn a_claim_about_bytes_is_believed_only_where_nothing_speaks_against_it() {
    let claim = "0d".repeat(32);
    let claimed = claim.clone();
    let front = Front::answering(move |seen, _| {
        assert_eq!(seen.headers["x-amz-checksum-mode"], "ENABLED");
        let answer = Answer::new(200, "application/gzip", Vec::new()).with("x-amz-meta-toolkit-sha256", &claimed);
        Turn::Answer(match seen.target.rsplit('/').next().unwrap() {
            "plain-store" => answer,
            "others" => {
                answer.with("x-amz-checksum-crc64nvme", "AAAAAAAAAAA=").with("x-amz-checksum-type", "FULL_OBJECT")
            }
            "parts" => answer.with("x-amz-checksum-sha256", "abc=-2").with("x-amz-meta-toolkit-parts", "abc=-2"),
            _ => answer.with("x-amz-checksum-sha256", "xyz=-2").with("x-amz-meta-toolkit-parts", "abc=-2"),
        })
    });
    let (bucket, _) = bucket_of(&format!("http://{}", front.host()), &root(), "s3://builds/tools");
    wait_for(async {
        for (path, believed) in [("plain-store", true), ("others", false), ("parts", true), ("replaced", false)] {
            let sha256 = bucket.head(path).await.unwrap().unwrap().sha256;
            assert_eq!(sha256.map(|sha256| sha256.hex()), believed.then(|| claim.clone()), "{path}");
        }
    });
}

#[test]
fn moto_denies_reading_listing_writing_and_deleting_each_by_its_name() {
    let Some(moto) = Moto::start() else { return };
    moto.bucket("builds").put("builds", "tools/a", b"1");
    let nothing = json!({ "Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*" });
    let writes = json!({ "Effect": "Allow", "Action": "s3:PutObject", "Resource": "*" });
    let (nobody, writer) = (moto.user(&nothing), moto.user(&writes));
    let reads = moto.user(&json!({ "Effect": "Allow", "Action": "s3:GetObject", "Resource": "*" }));
    moto.enforce(true);
    let bucket = |keys: &Keys| bucket_of(&moto.url(), keys, "s3://builds/tools").0;
    wait_for(async {
        let content = Content::Bytes(b"2");
        let errors = [
            (
                "s3:PutObject",
                "arn:aws:s3:::builds/tools/*",
                bucket(&nobody).put("a", &content, Condition::Any).await.err(),
            ),
            ("s3:ListBucket", "arn:aws:s3:::builds", bucket(&writer).list().await.err()),
            ("s3:DeleteObject", "arn:aws:s3:::builds/tools/*", bucket(&writer).delete("a").await.err()),
            ("s3:GetObject", "arn:aws:s3:::builds/tools/*", bucket(&writer).head("a").await.err()),
        ];
        for (action, resource, error) in errors {
            let error = error.unwrap();
            assert_eq!(error.to_string(), format!("AWS denies {action} on {resource}"));
            assert_eq!(error.kind().exit_code(), 3);
            let (_, statement) = error.hints()[0].split_once('\n').map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
            let statement: Value = serde_json::from_str(&statement).unwrap();
            assert_eq!(statement, json!({ "Effect": "Allow", "Action": action, "Resource": resource }));
        }
        let error = bucket(&writer).open("a").await.err().unwrap();
        assert!(!error.is_missing() && error.status() == Some(403), "{error}");
        bucket(&reads).open("a").await.unwrap();
        let wrong = Keys { secret: "wrong".to_owned(), ..reads.clone() };
        let error = bucket(&wrong).head("a").await.unwrap_err();
        // HEAD tells no reason.
        assert!(matches!(error, Error::Denied { .. }), "{error}");
        let error = bucket(&wrong).list().await.unwrap_err();
        assert!(matches!(error, Error::RefusedCredentials { .. }), "{error}");
    });
    moto.enforce(false);
    assert_eq!(moto.get("builds", "tools/a").as_deref(), Some(&b"1"[..]));
}

#[test]
fn an_upload_that_fails_in_the_middle_is_aborted() {
    for last in [false, true] {
        let parts = Arc::new(AtomicUsize::new(0));
        let begun = |id: &str| {
            let body =
                format!("<InitiateMultipartUploadResult><UploadId>{id}</UploadId></InitiateMultipartUploadResult>");
            Answer::new(200, "application/xml", body.into_bytes())
        };
        let counted = Arc::clone(&parts);
        let front = Front::answering(move |seen, _| {
            let query = seen.target.split_once('?').unwrap().1;
            Turn::Answer(match seen.method.as_str() {
                "POST" if query == "uploads=" => begun("a/b+c"),
                "POST" => refusal(200, "InternalError", "We encountered an internal error.", ""),
                "DELETE" => Answer::new(204, "application/xml", Vec::new()),
                _ if counted.fetch_add(1, Ordering::SeqCst) == 1 && !last => refusal(403, "AccessDenied", "No", ""),
                _ => Answer::new(200, "application/xml", Vec::new()).with("ETag", "\"p\""),
            })
        });
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("large");
        let bytes = vec![1; 33 << 20];
        std::fs::write(&file, &bytes).unwrap();
        let sha256 = {
            use sha2::{Digest as _, Sha256};
            toolkit::model::Digest::new(toolkit::model::Algorithm::Sha256, &Sha256::digest(&bytes)).unwrap()
        };
        let content = Content::File { path: &file, size: 33 << 20, sha256: &sha256 };
        let (bucket, _) = bucket_of(&format!("http://{}", front.host()), &root(), "s3://builds/tools");
        let error = wait_for(bucket.put("large", &content, Condition::Any)).unwrap_err();
        let expected = if last { "InternalError with status 200" } else { "AWS denies s3:PutObject" };
        assert!(error.to_string().contains(expected), "{error}");
        let seen = front.seen();
        assert_eq!(seen.iter().filter(|seen| seen.method == "DELETE").count(), 1);
        // A part that arrives later would stay, and cost.
        let aborted = seen.last().unwrap();
        assert_eq!(aborted.method, "DELETE");
        assert!(aborted.target.ends_with("/builds/tools/large?uploadId=a%2Fb%2Bc"), "{}", aborted.target);
        assert_eq!(seen[0].headers["content-length"], "0", "S3 wants a length even of nothing");
        let completions = seen.iter().filter(|seen| seen.method == "POST").count() - 1;
        assert_eq!(completions, if last { 3 } else { 0 });
        for seen in seen.iter().filter(|seen| seen.method == "PUT") {
            assert!(seen.headers["authorization"].contains("x-amz-checksum-sha256;x-amz-content-sha256"), "{seen:?}");
        }
    }
}

#[test]
fn a_list_that_leads_nowhere_ends() {
    let page = "<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>t/+=</NextContinuationToken>\
                <Contents><Key>tools/a</Key><Size>1</Size></Contents></ListBucketResult>";
    let front =
        Front::answering(move |_, _| Turn::Answer(Answer::new(200, "application/xml", page.as_bytes().to_vec())));
    let endpoint = format!("http://{}", front.host());
    let vars = [("AWS_ENDPOINT_URL", endpoint.as_str()), ("AWS_ACCESS_KEY_ID", "A"), ("AWS_SECRET_ACCESS_KEY", "s")];
    let (bucket, _) = bucket_in(&vars, "s3://builds/tools?region=auto");
    let error = wait_for(bucket.list()).unwrap_err();
    assert!(error.to_string().contains("pages of the list repeat"), "{error}");
    let targets: Vec<_> = front.seen().iter().map(|seen| seen.target.clone()).collect();
    assert_eq!(
        targets,
        [
            "/builds/?list-type=2&encoding-type=url&prefix=tools%2F",
            "/builds/?list-type=2&encoding-type=url&prefix=tools%2F&continuation-token=t%2F%2B%3D",
        ]
    );
}
