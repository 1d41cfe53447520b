//! `toolkit mirror parse`.

use crate::support::world::World;

#[test]
fn scripts_get_one_line_for_each_address() {
    let world = World::new();
    let told = world.ok(&[
        "mirror",
        "parse",
        "https://s3.us-west-1.amazonaws.com/myBucket/resources/doc.txt?versionId=abc123",
        "https://builds.s3.amazonaws.com/a%20b",
        "s3://builds",
    ]);
    assert_eq!(told, "myBucket\tresources/doc.txt\tus-west-1\ttrue\nbuilds\ta b\t\tfalse\nbuilds\t\t\tfalse\n");
    let said = world.fails(2, &["mirror", "parse", "s3://builds/a%0Ab"]);
    assert!(said.contains("--json"), "{said}");
    let said = world.fails(2, &["mirror", "parse", "s3://builds", "https://x.s3-outposts.eu-west-1.amazonaws.com/a"]);
    assert!(said.contains("Outposts are not supported"), "{said}");
}

#[test]
fn programs_get_all_parts_but_what_is_secret() {
    let world = World::new();
    let uri =
        "https://builds.s3-fips.dualstack.us-east-1.amazonaws.com/a%0Ab?versionId=v1&X-Amz-Signature=0123456789abcdef";
    let text = world.ok(&["mirror", "parse", "--json", uri]);
    assert!(!text.contains("0123456789abcdef"), "{text}");
    let told: serde_json::Value = serde_json::from_str(&text).unwrap();
    let told = &told[0];
    assert_eq!((&told["bucket"], &told["key"]), (&"builds".into(), &"a\nb".into()));
    assert_eq!((&told["version_id"], &told["style"]), (&"v1".into(), &"virtual-hosted".into()));
    assert_eq!((&told["dualstack"], &told["fips"], &told["path_style"]), (&true.into(), &true.into(), &false.into()));
    assert_eq!(told["uri"], "s3://builds/a%0Ab");
}
