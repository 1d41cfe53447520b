//! Signature Version 4, computed anew (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>).

use std::fmt::Write;

use ring::digest::{SHA256, digest};
use ring::hmac;

use super::super::front::Seen;

/// Returns the signature that a request to `/` must have, from what its own `Authorization` says it signs.
pub(super) fn of(seen: &Seen, secret: &str) -> Option<String> {
    let proof = seen.headers.get("authorization")?;
    let part = |name: &str| Some(proof.split_once(name)?.1.split([',', ' ']).next().unwrap_or_default());
    let scope = part("Credential=")?.split_once('/')?.1;
    let names = part("SignedHeaders=")?;
    let mut request = format!("{}\n{}\n\n", seen.method, seen.target);
    for name in names.split(';') {
        let value = seen.headers.get(name)?.split_whitespace().collect::<Vec<_>>().join(" ");
        writeln!(request, "{name}:{value}").unwrap();
    }
    write!(request, "\n{names}\n{}", hexadecimal(digest(&SHA256, &seen.body).as_ref())).unwrap();
    let date = seen.headers.get("x-amz-date")?;
    let hashed = hexadecimal(digest(&SHA256, request.as_bytes()).as_ref());
    let text = format!("AWS4-HMAC-SHA256\n{date}\n{scope}\n{hashed}");
    let sign = |key: &[u8], text: &str| hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text.as_bytes());
    let key =
        scope.split('/').fold(format!("AWS4{secret}").into_bytes(), |key, part| sign(&key, part).as_ref().to_vec());
    Some(hexadecimal(sign(&key, &text).as_ref()))
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
