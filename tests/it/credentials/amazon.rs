//! Amazon ECR, played by the test. The SDK reads the environment of its process, so that each look-up runs in a process of
//! its own: this very program, with one test chosen.

use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::json;
use toolkit::cli::Failure;
use toolkit::host::Host;
use toolkit::net::{Limits, Settings};
use toolkit::oci::credentials::{Credential, keychain};

use super::Machine;
use crate::faults::{client, hasty, status, wait_for};
use crate::support::upstream::{Fault, Seen, Upstream};

const REGISTRY: &str = "111122223333.dkr.ecr.eu-central-1.amazonaws.com/app";
const PUBLIC: &str = "public.ecr.aws/docker/library/debian";
const ROLE: &str = "arn:aws:iam::111122223333:role/build";
const STS_REFUSAL: &str = "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error><Type>Sender</Type>\
     <Code>AccessDenied</Code><Message>Not authorized to perform sts:AssumeRoleWithWebIdentity</Message></Error>\
     <RequestId>1</RequestId></ErrorResponse>";
const KEYS: [(&str, &str); 3] =
    [("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"), ("AWS_SECRET_ACCESS_KEY", "wJalrSECRET"), ("AWS_SESSION_TOKEN", "SESSION")];

/// Looks twice for the credential of `REPOSITORY` and prints what it finds. Run by [`look`].
#[test]
#[ignore = "the tests below run it in processes of their own"]
fn what_a_process_finds() {
    let host = Host::read().unwrap();
    let Some(repository) = host.var("REPOSITORY") else { return };
    let repository = repository.parse().unwrap();
    let limits = Limits { connect: Duration::from_secs(60), ..hasty().limits };
    let (client, _) = client(Settings { limits, ..hasty() });
    let keychain = keychain(&host, &client);
    wait_for(async {
        for _ in 0..2 {
            match keychain.find(&repository).await {
                Ok(Some(found)) => {
                    let Credential::Basic { user, password } = &found.credential else { panic!("{found:?}") };
                    println!("FOUND {user}:{} in {}, {found:?}", password.reveal(), found.source);
                }
                Ok(None) => println!("NONE, {}", keychain.reason_anonymous(&repository).unwrap_or_default()),
                Err(error) => {
                    println!("FAILED {error:?}");
                    print!("{}", Failure::from(error).text().plain());
                }
            }
        }
    });
}

/// Looks for a repository's credential in a process with these variables and those of the machine.
fn look(machine: &Machine, repository: &str, vars: &[(&str, &str)]) -> String {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "credentials::amazon::what_a_process_finds", "--ignored", "--nocapture"]);
    command.env_clear().env("PATH", "/usr/bin:/bin").env("REPOSITORY", repository);
    command.env("AWS_EC2_METADATA_DISABLED", "true").envs(machine.vars.iter().map(|(name, value)| (name, value)));
    let output = command.envs(vars.iter().copied()).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    assert!(!text.contains("wJalrSECRET") && !text.contains("SESSION"), "{text}");
    text
}

fn token(password: &str, expires: f64) -> serde_json::Value {
    use base64::prelude::{BASE64_STANDARD, Engine as _};
    json!({"authorizationToken": BASE64_STANDARD.encode(format!("AWS:{password}")), "expiresAt": expires})
}

/// Plays ECR's API, with a token for the next twelve hours.
fn ecr() -> Upstream {
    let later = jiff::Timestamp::now().as_second() as f64 + 43_200.5;
    let upstream = Upstream::new();
    upstream.file("/", json!({"authorizationData": [token("pass:word", later)]}).to_string());
    upstream
}

/// Plays the API with a refusal.
fn refusing(code: u16, kind: &str, message: &str) -> Upstream {
    let upstream = Upstream::new();
    upstream.file("/", json!({"__type": kind, "message": message}).to_string()).fault("/", Fault::Under { code });
    upstream
}

fn with_keys<'a>(more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    KEYS.iter().chain(more).copied().collect()
}

/// Returns the scope that a request was signed for: `AKIDEXAMPLE/20261126/eu-central-1/ecr/aws4_request` without the day.
fn scope(seen: &Seen) -> String {
    let value = &seen.headers["authorization"];
    let scope = value.strip_prefix("AWS4-HMAC-SHA256 Credential=").unwrap().split(',').next().unwrap();
    let parts: Vec<&str> = scope.split('/').collect();
    assert_eq!(parts[1].len(), 8, "{value}");
    [parts[0], parts[2], parts[3], parts[4]].join("/")
}

#[test]
fn ecr_is_asked_once_by_a_signed_request() {
    let (machine, upstream) = (Machine::new(), ecr());
    let url = upstream.url("/").to_string();
    let text = look(&machine, REGISTRY, &with_keys(&[("AWS_ENDPOINT_URL_ECR", &url), ("AWS_REGION", "us-west-2")]));
    assert_eq!(text.matches("FOUND AWS:pass:word in Amazon ECR (GetAuthorizationToken)").count(), 2, "{text}");
    assert!(!text.contains("password: pass"), "{text}");
    let seen = upstream.all_seen();
    assert_eq!(seen.len(), 1, "the token is remembered");
    assert_eq!((seen[0].method.as_str(), seen[0].body.as_slice()), ("POST", &b"{}"[..]));
    assert_eq!(scope(&seen[0]), "AKIDEXAMPLE/eu-central-1/ecr/aws4_request");
    let signed = &seen[0].headers["authorization"];
    assert!(
        signed.contains("SignedHeaders=content-type;host;x-amz-date;x-amz-security-token;x-amz-target"),
        "{signed}"
    );
    for (name, expected) in [
        ("x-amz-target", "AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken"),
        ("content-type", "application/x-amz-json-1.1"),
        ("x-amz-security-token", "SESSION"),
        ("host", &upstream.host()),
    ] {
        assert_eq!(seen[0].headers[name], expected);
    }
}

#[test]
fn a_token_that_has_ended_is_asked_for_anew() {
    let (machine, upstream) = (Machine::new(), Upstream::new());
    upstream.file("/", json!({"authorizationData": [token("p", 1_700_000_000.0)]}).to_string());
    look(&machine, REGISTRY, &with_keys(&[("AWS_ENDPOINT_URL", upstream.url("/").as_str())]));
    assert_eq!(upstream.total_requests(), 2);
}

#[test]
fn the_public_registry_has_an_api_of_its_own() {
    let (machine, upstream) = (Machine::new(), Upstream::new());
    let later = jiff::Timestamp::now().as_second() as f64 + 43_200.0;
    upstream.file("/", json!({"authorizationData": token("p", later)}).to_string());
    let url = upstream.url("/").to_string();
    let text =
        look(&machine, PUBLIC, &with_keys(&[("AWS_ENDPOINT_URL_ECR_PUBLIC", &url), ("AWS_REGION", "eu-west-1")]));
    assert!(text.contains("FOUND AWS:p"), "{text}");
    let seen = upstream.all_seen();
    assert_eq!(scope(&seen[0]), "AKIDEXAMPLE/us-east-1/ecr-public/aws4_request");
    assert_eq!(seen[0].headers["x-amz-target"], "SpencerFrontendService.GetAuthorizationToken");
}

#[test]
fn the_public_registry_is_read_without_a_user_where_nothing_better_is_known() {
    let upstream = refusing(400, "AccessDeniedException", "User: arn:x is not authorized");
    let url = upstream.url("/").to_string();
    let machine = Machine::new();
    let text = look(&machine, PUBLIC, &with_keys(&[("AWS_ENDPOINT_URL", &url)]));
    assert_eq!(text.matches("NONE, AWS denies ecr-public:GetAuthorizationToken on *").count(), 2, "{text}");
    assert_eq!(upstream.total_requests(), 1, "it is not asked again");
    let text = look(&machine, PUBLIC, &[("AWS_ENDPOINT_URL", &url)]);
    assert!(text.contains("NONE, no AWS credentials were found"), "{text}");
    assert_eq!(upstream.total_requests(), 1);
}

#[test]
fn only_registries_of_ecr_make_it_look_for_aws() {
    let (machine, upstream) = (Machine::new(), ecr());
    let url = upstream.url("/").to_string();
    let metadata = [("AWS_EC2_METADATA_DISABLED", "false"), ("AWS_EC2_METADATA_SERVICE_ENDPOINT", &url)];
    for repository in ["ghcr.io/a/b", "111122223333.dkr.ecr.eu-central-1.amazonaws.com.evil.example/a"] {
        let text = look(&machine, repository, &[&metadata[..], &[("AWS_ENDPOINT_URL", &url)]].concat());
        assert!(text.contains("NONE"), "{text}");
    }
    assert_eq!(upstream.total_requests(), 0);
    machine.write(
        "home/.docker/config.json",
        r#"{"auths": {"111122223333.dkr.ecr.eu-central-1.amazonaws.com": {"auth": "QVdTOnA="}}}"#,
    );
    assert!(look(&machine, REGISTRY, &metadata).contains("FOUND AWS:p in "));
    assert_eq!(upstream.total_requests(), 0);
}

#[test]
fn keys_are_found_wherever_the_sdk_looks() {
    let keys = json!({
        "AccessKeyId": "AKIDOTHER", "SecretAccessKey": "wJalrSECRET", "Token": "SESSION", "SessionToken": "SESSION",
        "Version": 1, "Code": "Success", "Type": "AWS-HMAC", "LastUpdated": "2026-01-01T00:00:00Z",
        "Expiration": "2099-01-01T00:00:00Z",
    });
    let services = Upstream::new();
    services.file("/container", keys.to_string());
    services.file("/latest/api/token", "METADATA");
    let lifetime = Fault::Header("x-aws-ec2-metadata-token-ttl-seconds", "21600".to_owned());
    services.fault("/latest/api/token", lifetime);
    for name in ["security-credentials", "security-credentials-extended"] {
        services.file(&format!("/latest/meta-data/iam/{name}/"), "build");
        services.file(&format!("/latest/meta-data/iam/{name}/build"), keys.to_string());
    }
    services.file(
        "/",
        "<AssumeRoleWithWebIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\
         <AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>AKIDOTHER</AccessKeyId>\
         <SecretAccessKey>wJalrSECRET</SecretAccessKey><SessionToken>SESSION</SessionToken>\
         <Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleWithWebIdentityResult>\
         </AssumeRoleWithWebIdentityResponse>",
    );
    let machine = Machine::new();
    let profile = "aws_access_key_id = AKIDOTHER\naws_secret_access_key = wJalrSECRET\n";
    machine.write("home/.aws/credentials", &format!("[plain]\n{profile}"));
    let printed = machine.write("keys.json", &keys.to_string());
    machine.write("home/.aws/config", &format!("[profile process]\ncredential_process = cat {}\n", printed.display()));
    let identity = machine.write("identity", "WEB-IDENTITY");
    let (container, sts) = (services.url("/container").to_string(), services.url("/").to_string());
    let metadata = services.url("").to_string();
    for (name, vars) in [
        ("a profile", &[("AWS_PROFILE", "plain")][..]),
        ("a profile's process", &[("AWS_PROFILE", "process")]),
        (
            "a container",
            &[("AWS_CONTAINER_CREDENTIALS_FULL_URI", &container), ("AWS_CONTAINER_AUTHORIZATION_TOKEN", "CONTAINER")],
        ),
        (
            "a web identity",
            &[
                ("AWS_WEB_IDENTITY_TOKEN_FILE", identity.to_str().unwrap()),
                ("AWS_ROLE_ARN", ROLE),
                ("AWS_ENDPOINT_URL_STS", &sts),
            ],
        ),
        ("an instance", &[("AWS_EC2_METADATA_DISABLED", "false"), ("AWS_EC2_METADATA_SERVICE_ENDPOINT", &metadata)]),
    ] {
        let upstream = ecr();
        let text = look(&machine, REGISTRY, &[vars, &[("AWS_ENDPOINT_URL_ECR", upstream.url("/").as_str())]].concat());
        assert!(text.contains("FOUND AWS:pass:word"), "{name}: {text}");
        assert_eq!(scope(&upstream.all_seen()[0]), "AKIDOTHER/eu-central-1/ecr/aws4_request", "{name}");
    }
    assert_eq!(services.seen("/container")[0].headers["authorization"], "CONTAINER");
    assert!(String::from_utf8_lossy(&services.seen("/")[0].body).contains("WEB-IDENTITY"));
}

#[test]
fn every_refusal_says_what_to_do_and_nothing_secret() {
    let canonical = "The Canonical String for this request should have been 'x-amz-security-token:SESSION'";
    for (upstream, said) in [
        (
            refusing(400, "AccessDeniedException", "User: arn:aws:iam::1:user/x is not authorized.\u{1b}[31m"),
            &["AWS denies ecr:GetAuthorizationToken on *", "Caused by: User: arn:aws:iam::1:user/x", "hint: add this"]
                [..],
        ),
        (refusing(400, "com.amazon.coral.service#ExpiredTokenException", ""), &["have expired", "hint: get new ones"]),
        (refusing(403, "InvalidSignatureException", canonical), &["(InvalidSignatureException)", "hint: check them"]),
        (refusing(400, "UnrecognizedClientException", ""), &["(UnrecognizedClientException)"]),
        (refusing(400, "Odd\u{1b}Exception", ""), &["refuses ecr:GetAuthorizationToken (OddException)"]),
        (Upstream::new(), &["status 404"]),
        (refusing(200, "", ""), &["it holds no token"]),
    ] {
        let url = upstream.url("/").to_string();
        let text = look(&Machine::new(), REGISTRY, &with_keys(&[("AWS_ENDPOINT_URL", &url)]));
        for said in said {
            assert!(text.contains(said), "{text} lacks {said}");
        }
        assert!(text.contains("FAILED") && !text.contains('\u{1b}'), "{text}");
    }
    for (address, said) in [
        ("nonsense", "AWS_ENDPOINT_URL_ECR is not the URL"),
        ("file:///etc/passwd", "AWS_ENDPOINT_URL_ECR is not the URL"),
        ("http://ecr.example.com/", "plain http is allowed to this machine only"),
    ] {
        let text = look(&Machine::new(), REGISTRY, &with_keys(&[("AWS_ENDPOINT_URL_ECR", address)]));
        assert!(text.contains(said), "{text} lacks {said}");
    }
}

#[test]
fn what_keeps_the_sdk_from_its_keys_is_said() {
    let machine = Machine::new();
    let sts = Upstream::new();
    sts.file("/", STS_REFUSAL);
    sts.fault("/", Fault::Under { code: 403 });
    let url = sts.url("/").to_string();
    let identity = machine.write("identity", "WEB-IDENTITY");
    machine.write(
        "home/.aws/config",
        "[profile sso]\nsso_session = work\nsso_account_id = 1\nsso_role_name = x\n\
         [sso-session work]\nsso_region = eu-west-1\nsso_start_url = https://x.awsapps.com/start\n",
    );
    for (vars, said) in [
        (
            &[
                ("AWS_WEB_IDENTITY_TOKEN_FILE", identity.to_str().unwrap()),
                ("AWS_ROLE_ARN", ROLE),
                ("AWS_ENDPOINT_URL_STS", &url),
            ][..],
            "AccessDenied: Not authorized to perform sts:AssumeRoleWithWebIdentity\n",
        ),
        (&[("AWS_PROFILE", "sso")], "aws sso login"),
        (&[("AWS_PROFILE", "nobody")], "no AWS credentials were found"),
        (&[("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://203.0.113.9/x")], "not refer to an allowed IP address"),
        (&[("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1:1/x")], "127.0.0.1:1 could not be reached"),
    ] {
        let text = look(&machine, REGISTRY, vars);
        assert!(text.contains(said), "{text} lacks {said}");
    }
    let text = STS_REFUSAL.replace("Not authorized", "SESSION").replace("AccessDenied", "SignatureDoesNotMatch");
    sts.file("/", text);
    let vars = [("AWS_WEB_IDENTITY_TOKEN_FILE", identity.to_str().unwrap()), ("AWS_ROLE_ARN", ROLE)];
    let text = look(&machine, REGISTRY, &[&vars[..], &[("AWS_ENDPOINT_URL_STS", &url)]].concat());
    assert!(text.contains("could not get AWS credentials: SignatureDoesNotMatch\n"), "{text}");
}

#[test]
fn what_a_credential_process_prints_is_not_repeated() {
    let machine = Machine::new();
    for script in ["echo wJalrSECRET >&2; exit 1", "echo wJalrSECRET"] {
        machine.write("home/.aws/config", &format!("[default]\ncredential_process = {script}\n"));
        let text = look(&machine, REGISTRY, &[]);
        assert!(text.contains("the `credential_process` of the profile failed"), "{text}");
    }
}

#[test]
fn without_keys_it_does_not_wait_for_a_machine_that_is_not_there() {
    let services = Upstream::new();
    services.fault("/latest/api/token", Fault::Mute { times: 9 });
    let (machine, metadata) = (Machine::new(), services.url("").to_string());
    let begun = Instant::now();
    let vars = [("AWS_EC2_METADATA_DISABLED", "false"), ("AWS_EC2_METADATA_SERVICE_ENDPOINT", metadata.as_str())];
    let text = look(&machine, REGISTRY, &vars);
    assert!(text.contains("no AWS credentials were found") && text.contains("hint: set AWS_PROFILE"), "{text}");
    assert_eq!(services.total_requests(), 2, "one for each of the two look-ups");
    assert!(begun.elapsed() < Duration::from_secs(12), "{:?}", begun.elapsed());
    let text = look(&machine, REGISTRY, &[vars[0], ("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://127.0.0.1:1/")]);
    assert!(text.contains("no AWS credentials were found"), "{text}");
}

#[test]
fn a_signature_follows_no_redirect() {
    let (other, upstream) = (ecr(), Upstream::new());
    upstream.fault("/", Fault::RedirectAll { to: other.url("/").to_string() });
    let url = upstream.url("/").to_string();
    look(&Machine::new(), REGISTRY, &with_keys(&[("AWS_ENDPOINT_URL", &url)]));
    assert_eq!(other.total_requests(), 1);
    for seen in other.all_seen() {
        assert!(!seen.headers.contains_key("authorization") && !seen.headers.contains_key("x-amz-security-token"));
    }
    // A server that passes is asked again, as often as any other.
    let upstream = ecr();
    upstream.fault("/", status(503, 2, None));
    let text = look(&Machine::new(), REGISTRY, &with_keys(&[("AWS_ENDPOINT_URL", upstream.url("/").as_str())]));
    assert!(text.contains("FOUND") && upstream.total_requests() == 3, "{text}");
}
