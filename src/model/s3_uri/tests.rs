use super::*;

/// Writes an address as its parts: bucket, key, region, style, traits, query.
fn told(text: &str) -> String {
    let uri: S3Uri = text.parse().unwrap_or_else(|error| panic!("{error}"));
    let part = |part: &Option<String>| part.clone().unwrap_or_else(|| "-".to_owned());
    let S3Endpoint { dualstack, fips, accelerate } = uri.endpoint;
    let mut words = vec![part(&uri.bucket), part(&uri.key), part(&uri.region), uri.style.as_str().to_owned()];
    for (name, set) in [("dualstack", dualstack), ("fips", fips), ("accelerate", accelerate)] {
        words.extend(set.then(|| name.to_owned()));
    }
    words.extend(uri.query.iter().map(|(name, value)| format!("{name}={value}")));
    words.join(" | ")
}

#[test]
fn addresses_are_read_in_every_form() {
    for (text, expected) in [
        // The article's.
        (
            "https://s3.us-west-1.amazonaws.com/myBucket/resources/doc.txt?versionId=abc123&partNumber=77&partNumber=88",
            "myBucket | resources/doc.txt | us-west-1 | path | versionId=abc123 | partNumber=77 | partNumber=88",
        ),
        (
            "https://s3.us-west-1.amazonaws.com/myBucket/object%20key?query=%5Bbrackets%5D",
            "myBucket | object key | us-west-1 | path | query=[brackets]",
        ),
        ("https://my.Bucket.s3.us-west-1.amazonaws.com/key", "my.Bucket | key | us-west-1 | virtual-hosted"),
        // s3://
        ("s3://builds", "builds | - | - | s3"),
        ("s3://builds/", "builds | - | - | s3"),
        ("s3://builds/a/b.txt", "builds | a/b.txt | - | s3"),
        ("s3://builds/a/", "builds | a/ | - | s3"),
        ("s3://builds//a", "builds | /a | - | s3"),
        ("s3://builds/a//b", "builds | a//b | - | s3"),
        ("S3://builds/a", "builds | a | - | s3"),
        ("s3://my.dotted.bucket/a", "my.dotted.bucket | a | - | s3"),
        ("s3://builds/a%20b%2Fc", "builds | a b/c | - | s3"),
        ("s3://builds/a+b", "builds | a+b | - | s3"),
        ("s3://builds/%C3%A9", "builds | é | - | s3"),
        ("s3://builds/é", "builds | é | - | s3"),
        ("s3://builds/100%25", "builds | 100% | - | s3"),
        ("s3://builds/a?versionId=v1", "builds | a | - | s3 | versionId=v1"),
        ("s3://builds/a%3Fb", "builds | a?b | - | s3"),
        ("s3://builds/%23", "builds | # | - | s3"),
        ("s3://builds/a:b@c,d;e=f&g!h$i'j(k)*l", "builds | a:b@c,d;e=f&g!h$i'j(k)*l | - | s3"),
        ("s3://builds/../a", "builds | ../a | - | s3"),
        // Path style.
        ("https://s3.amazonaws.com", "- | - | - | path"),
        ("https://s3.amazonaws.com/", "- | - | - | path"),
        ("https://s3.amazonaws.com/builds", "builds | - | - | path"),
        ("https://s3.amazonaws.com/builds/", "builds | - | - | path"),
        ("https://s3.amazonaws.com/builds/a/b", "builds | a/b | - | path"),
        ("http://s3.amazonaws.com/builds/a", "builds | a | - | path"),
        ("HTTPS://S3.AMAZONAWS.COM/builds/A", "builds | A | - | path"),
        ("https://s3.amazonaws.com:443/builds/a", "builds | a | - | path"),
        ("https://s3.eu-west-1.amazonaws.com/builds/a", "builds | a | eu-west-1 | path"),
        ("https://s3-eu-west-1.amazonaws.com/builds/a", "builds | a | eu-west-1 | path"),
        ("https://s3-external-1.amazonaws.com/builds/a", "builds | a | us-east-1 | path"),
        ("https://s3.us-gov-west-1.amazonaws.com/builds/a", "builds | a | us-gov-west-1 | path"),
        ("https://s3-us-gov-west-1.amazonaws.com/builds/a", "builds | a | us-gov-west-1 | path"),
        ("https://s3-fips-us-gov-west-1.amazonaws.com/builds/a", "builds | a | us-gov-west-1 | path | fips"),
        ("https://s3.cn-north-1.amazonaws.com.cn/builds/a", "builds | a | cn-north-1 | path"),
        ("https://s3.eusc-de-east-1.amazonaws.eu/builds/a", "builds | a | eusc-de-east-1 | path"),
        ("https://s3.us-iso-east-1.c2s.ic.gov/builds/a", "builds | a | us-iso-east-1 | path"),
        ("https://s3.us-isob-east-1.sc2s.sgov.gov/builds/a", "builds | a | us-isob-east-1 | path"),
        ("https://s3.dualstack.eu-west-1.amazonaws.com/builds/a", "builds | a | eu-west-1 | path | dualstack"),
        ("https://s3-fips.us-east-2.amazonaws.com/builds/a", "builds | a | us-east-2 | path | fips"),
        (
            "https://s3-fips.dualstack.us-east-2.amazonaws.com/builds/a",
            "builds | a | us-east-2 | path | dualstack | fips",
        ),
        ("https://s3.eu-west-1.amazonaws.com/builds//a", "builds | /a | eu-west-1 | path"),
        (
            "https://s3.eu-west-1.amazonaws.com/builds/a?versionId=null",
            "builds | a | eu-west-1 | path | versionId=null",
        ),
        (
            "https://s3.eu-west-1.amazonaws.com/builds?list-type=2&prefix=a%2Fb",
            "builds | - | eu-west-1 | path | list-type=2 | prefix=a/b",
        ),
        ("https://s3.eu-west-1.amazonaws.com/builds/a?&x&y=", "builds | a | eu-west-1 | path | x= | y="),
        ("https://s3.eu-west-1.amazonaws.com/builds/a?x=1=2", "builds | a | eu-west-1 | path | x=1=2"),
        // Virtual-hosted style.
        ("https://builds.s3.amazonaws.com", "builds | - | - | virtual-hosted"),
        ("https://builds.s3.amazonaws.com/a/b", "builds | a/b | - | virtual-hosted"),
        ("https://builds.s3.eu-west-1.amazonaws.com/a", "builds | a | eu-west-1 | virtual-hosted"),
        ("https://builds.s3-eu-west-1.amazonaws.com/a", "builds | a | eu-west-1 | virtual-hosted"),
        ("https://builds.s3-external-1.amazonaws.com/a", "builds | a | us-east-1 | virtual-hosted"),
        ("https://my.dotted.bucket.s3.eu-west-1.amazonaws.com/a", "my.dotted.bucket | a | eu-west-1 | virtual-hosted"),
        ("https://s3.my.s3.s3.eu-west-1.amazonaws.com/a", "s3.my.s3 | a | eu-west-1 | virtual-hosted"),
        ("https://eu-west-1.s3.amazonaws.com/a", "eu-west-1 | a | - | virtual-hosted"),
        (
            "https://builds.s3.dualstack.eu-west-1.amazonaws.com/a",
            "builds | a | eu-west-1 | virtual-hosted | dualstack",
        ),
        ("https://builds.s3-fips.us-east-1.amazonaws.com/a", "builds | a | us-east-1 | virtual-hosted | fips"),
        (
            "https://builds.s3-fips.dualstack.us-east-1.amazonaws.com/a",
            "builds | a | us-east-1 | virtual-hosted | dualstack | fips",
        ),
        ("https://builds.s3-accelerate.amazonaws.com/a", "builds | a | - | virtual-hosted | accelerate"),
        (
            "https://builds.s3-accelerate.dualstack.amazonaws.com/a",
            "builds | a | - | virtual-hosted | dualstack | accelerate",
        ),
        ("https://builds.s3.cn-northwest-1.amazonaws.com.cn/a", "builds | a | cn-northwest-1 | virtual-hosted"),
        ("https://builds.s3.ap-southeast-3.amazonaws.com/a%2Bb", "builds | a+b | ap-southeast-3 | virtual-hosted"),
        ("https://builds.s3.amazonaws.com//a", "builds | /a | - | virtual-hosted"),
    ] {
        assert_eq!(told(text), expected, "{text}");
    }
}

#[test]
fn what_is_no_address_of_s3_is_refused_with_a_reason() {
    let long = format!("s3://builds/{}", "a".repeat(1025));
    for (text, said) in [
        ("", "no scheme"),
        ("builds/a", "no scheme"),
        ("s3:builds/a", "no scheme"),
        ("s3://", "not name a bucket"),
        ("s3:///a", "not name a bucket"),
        ("s3://ab/a", "3 to 63"),
        ("https://s3.eu-west-1.amazonaws.com/s3/a", "3 to 63"),
        ("s3://-builds/a", "not a bucket's name"),
        ("s3://builds:9000/a", "not a bucket's name"),
        ("s3://a..b/a", "two dots"),
        ("s3://10.0.0.7/a", "IP address"),
        ("s3://user:secret@builds/a", "user name"),
        ("s3://builds/a b", "%20"),
        ("s3://builds/a\tb", "%09"),
        ("s3://builds/[a]", "%5B"),
        ("s3://builds/a\u{2028}b", "%E2%80%A8"),
        ("s3://builds/a#b", "%23"),
        ("s3://builds/%zz", "percent sign"),
        ("s3://builds/%4", "percent sign"),
        ("s3://builds/%FF", "UTF-8"),
        ("s3://builds/a?x=%", "percent sign"),
        (&long, "1024 bytes"),
        ("ftp://builds/a", "scheme `ftp`"),
        ("https:///builds/a", "no host"),
        ("https://example.com/builds/a", "not an S3 endpoint"),
        ("https://127.0.0.1:9000/builds/a", "AWS_ENDPOINT_URL_S3"),
        ("https://amazonaws.com/builds/a", "not an S3 endpoint"),
        ("https://s3.amazonaws.com.example.com/builds/a", "not an S3 endpoint"),
        ("https://ec2.eu-west-1.amazonaws.com/builds/a", "not an S3 endpoint"),
        ("https://s3.dualstack.amazonaws.com/builds/a", "not an S3 endpoint"),
        ("https://s3.somewhere.amazonaws.com/builds/a", "not an S3 endpoint"),
        ("https://s3-accelerate.amazonaws.com/builds/a", "in front of it"),
        ("https://my%2EBucket.s3.us-west-1.amazonaws.com/key", "percent signs"),
        ("https://s3.us-west-1.amazonaws.com/myBucket/object key?query=[brackets]", "%20"),
        ("https://user@s3.amazonaws.com/builds/a", "user name"),
        ("https://ap-1234.s3-accesspoint.eu-west-1.amazonaws.com/a", "access points"),
        ("https://x.accesspoint.s3-global.amazonaws.com/a", "multi-region access points"),
        ("https://ap-1234.op-01.s3-outposts.eu-west-1.amazonaws.com/a", "Outposts"),
        ("https://x-1234.s3-object-lambda.eu-west-1.amazonaws.com/a", "Object Lambda"),
        ("https://1234.s3-control.eu-west-1.amazonaws.com/v20180820/jobs", "control API"),
        ("https://b--use1-az4--x-s3.s3express-use1-az4.us-east-1.amazonaws.com/a", "directory buckets"),
        ("s3://b--use1-az4--x-s3/a", "directory buckets"),
        ("s3://my-ap-abc123-s3alias/a", "aliases of access points"),
        ("https://builds.s3-website-eu-west-1.amazonaws.com/a", "website"),
        ("https://builds.s3-website.eu-west-1.amazonaws.com/a", "website"),
        ("arn:aws:s3:::builds/a", "ARNs"),
        ("arn:aws:s3:eu-west-1:1234:accesspoint/ap", "ARNs"),
        ("s3://arn:aws:s3:eu-west-1:1234:accesspoint/ap", "access points"),
    ] {
        let error = text.parse::<S3Uri>().expect_err(text).to_string();
        assert!(error.contains(said), "{error} lacks {said}");
        assert!(!error.contains("secret"), "{error}");
    }
}

#[test]
fn an_address_is_written_as_it_is_read() {
    for text in ["s3://builds", "s3://builds/a/b.txt", "s3://builds/a%20b%2Bc%25%C3%A9", "s3://builds//a//"] {
        assert_eq!(text.parse::<S3Uri>().unwrap().to_string(), text);
    }
    let uri: S3Uri = "https://s3.eu-west-1.amazonaws.com/builds/a?versionId=v1".parse().unwrap();
    assert_eq!((uri.to_string().as_str(), uri.version_id()), ("s3://builds/a", Some("v1")));
}
