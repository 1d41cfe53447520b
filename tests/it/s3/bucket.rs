//! Objects written, read, listed and deleted in a bucket on moto.

use serde_json::json;
use sha2::{Digest as _, Sha256};
use toolkit::aws::Error;
use toolkit::aws::s3::{Bucket, Condition, Content, Head, Listed};
use toolkit::model::{Algorithm, Digest, Explain, Kind};

use super::{bucket_of, root};
use crate::faults::wait_for;
use crate::support::front::{Answer, Front, Turn};
use crate::support::moto::Moto;

fn digest(bytes: &[u8]) -> Digest {
    Digest::new(Algorithm::Sha256, &Sha256::digest(bytes)).unwrap()
}

async fn read(bucket: &Bucket, path: &str) -> Vec<u8> {
    let mut body = bucket.open(path).await.unwrap();
    let mut bytes = Vec::new();
    while let Some(piece) = body.chunk().await.unwrap() {
        bytes.extend_from_slice(&piece);
    }
    bytes
}

#[test]
fn moto_plays_s3_with_keys_and_policies() {
    let Some(moto) = Moto::start() else { return };
    moto.bucket("builds").put("builds", "a b+c%d/é.txt", b"1").put("builds", "b", b"2");
    assert_eq!(moto.get("builds", "a b+c%d/é.txt").as_deref(), Some(&b"1"[..]));
    assert_eq!(moto.keys("builds"), ["a b+c%d/é.txt", "b"]);
    let keys = moto.user(&json!({ "Effect": "Allow", "Action": "s3:GetObject", "Resource": "*" }));
    assert!(!keys.id.is_empty() && !keys.secret.is_empty());
    moto.enforce(true);
    assert_eq!(moto.ask("GET", "/builds/b", b"").status, 403);
    moto.enforce(false);
    moto.delete("builds", "b");
    assert_eq!((moto.keys("builds").len(), moto.unfinished("builds")), (1, 0));
}

#[test]
fn what_is_put_is_there_as_it_was_under_whatever_key() {
    let Some(moto) = Moto::start() else { return };
    moto.bucket("builds");
    let all = json!({ "Effect": "Allow", "Action": "s3:*", "Resource": "*" });
    let keys = moto.user(&all);
    // From here on, wrong signatures are refused.
    moto.enforce(true);
    let (bucket, _) = bucket_of(&moto.url(), &keys, "s3://builds/my%20tools");
    let odd = ["a+b c", "host:8443/50%/é~_-.tar", "q?x=1&y#z", "it's (1)*!@$,;=", "%2e%41", "plain/a.txt"];
    wait_for(async {
        for path in odd {
            assert_eq!(bucket.head(path).await.unwrap(), None, "{path}");
            let tag = bucket.put(path, &Content::Bytes(path.as_bytes()), Condition::Any).await.unwrap();
            let size = path.len() as u64;
            let head = Head { size, tag: Some(tag), sha256: Some(digest(path.as_bytes())) };
            assert_eq!(bucket.head(path).await.unwrap(), Some(head), "{path}");
            assert_eq!(read(&bucket, path).await, path.as_bytes());
        }
        let mut expected = odd.map(|path| Listed { path: path.to_owned(), size: path.len() as u64 });
        expected.sort_by(|one, other| one.path.cmp(&other.path));
        assert_eq!(bucket.list().await.unwrap(), expected);
    });
    moto.enforce(false);
    let mut raw = odd.map(|path| format!("my tools/{path}"));
    raw.sort();
    assert_eq!(moto.keys("builds"), raw);
    wait_for(async {
        bucket.delete(odd[0]).await.unwrap();
        bucket.delete(odd[0]).await.unwrap();
        assert!(bucket.open(odd[0]).await.err().unwrap().is_missing());
    });
    assert_eq!(moto.keys("builds").len(), odd.len() - 1);
}

#[test]
fn a_condition_that_does_not_hold_changes_nothing() {
    let Some(moto) = Moto::start() else { return };
    moto.bucket("builds");
    let (bucket, _) = bucket_of(&moto.url(), &root(), "s3://builds");
    wait_for(async {
        let put = async |bytes: &[u8], condition| bucket.put("index", &Content::Bytes(bytes), condition).await;
        let first = put(b"1", Condition::Absent).await.unwrap();
        assert_eq!(put(b"1", Condition::Absent).await.unwrap(), first, "the same bytes are what was wanted");
        assert!(matches!(put(b"2", Condition::Absent).await, Err(Error::Condition { .. })));
        let second = put(b"2", Condition::Same(&first)).await.unwrap();
        assert!(matches!(put(b"3", Condition::Same(&first)).await, Err(Error::Condition { .. })));
        assert_eq!(read(&bucket, "index").await, b"2");
        assert_ne!(first, second);
    });
}

#[test]
fn a_list_has_all_its_pages() {
    let Some(moto) = Moto::start() else { return };
    moto.bucket("builds").put("builds", "other/x", b"1");
    for number in 0..1_003 {
        moto.put("builds", &format!("tools/{number:04}"), b"12");
    }
    let (bucket, _) = bucket_of(&moto.url(), &root(), "s3://builds/tools");
    let listed = wait_for(bucket.list()).unwrap();
    assert_eq!(listed.len(), 1_003);
    assert_eq!(listed[1_002], Listed { path: "1002".to_owned(), size: 2 });
}

#[test]
fn a_large_file_goes_in_parts_and_comes_back_whole() {
    let Some(moto) = Moto::start() else { return };
    moto.bucket("builds");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("large");
    let mut random = fastrand::Rng::with_seed(3);
    let bytes: Vec<u8> = std::iter::repeat_with(|| random.u8(..)).take(40 << 20).collect();
    std::fs::write(&file, &bytes).unwrap();
    let sha256 = digest(&bytes);
    let content = Content::File { path: &file, size: bytes.len() as u64, sha256: &sha256 };
    let (bucket, _) = bucket_of(&moto.url(), &root(), "s3://builds/tools");
    wait_for(async {
        let tag = bucket.put("large", &content, Condition::Absent).await.unwrap();
        assert!(tag.ends_with("-3\""), "in three parts: {tag}");
        let head = bucket.head("large").await.unwrap().unwrap();
        assert_eq!((head.size, head.sha256), (40 << 20, Some(sha256.clone())));
        assert_eq!(digest(&read(&bucket, "large").await), sha256);
        // What changed since it was hashed is not sent at all.
        let other = Content::File { path: &file, size: bytes.len() as u64, sha256: &digest(b"else") };
        let error = bucket.put("other", &other, Condition::Any).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Machine);
        // The file is there already: the upload ends without a trace.
        std::fs::write(&file, vec![7; 20 << 20]).unwrap();
        let sha256 = digest(&vec![7; 20 << 20]);
        let content = Content::File { path: &file, size: 20 << 20, sha256: &sha256 };
        assert!(matches!(bucket.put("large", &content, Condition::Absent).await, Err(Error::Condition { .. })));
    });
    assert_eq!((moto.keys("builds"), moto.unfinished("builds")), (vec!["tools/large".to_owned()], 0));
}

#[test]
fn an_upload_that_nobody_waits_for_is_deleted_when_the_bucket_settles() {
    let Some(moto) = Moto::start() else { return };
    moto.bucket("builds");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("large");
    let bytes = vec![3; 40 << 20];
    std::fs::write(&file, &bytes).unwrap();
    let sha256 = digest(&bytes);
    let content = Content::File { path: &file, size: bytes.len() as u64, sha256: &sha256 };
    // Parts go through; the answer to the second never comes.
    let front = Front::before(moto.host(), |seen, _| match seen.target.contains("partNumber=2") {
        true => Turn::Answer(Answer::new(503, "application/xml", Vec::new()).with("Retry-After", "1")),
        false => Turn::Pass,
    });
    let (bucket, ear) = bucket_of(&format!("http://{}", front.host()), &root(), "s3://builds");
    wait_for(async {
        let put = bucket.put("large", &content, Condition::Any);
        let begun = async {
            while !ear.notes.lock().unwrap().iter().any(|note| note.contains("503")) {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            outcome = put => panic!("{outcome:?}"),
            () = begun => {}
        }
    });
    assert_eq!(moto.unfinished("builds"), 1);
    wait_for(bucket.settle());
    assert_eq!((moto.unfinished("builds"), moto.keys("builds").len()), (0, 0));
}
