//! Buckets of S3 as mirrors: on moto, and on servers that misbehave as told.

use serde_json::json;

use crate::support::moto::Moto;

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
