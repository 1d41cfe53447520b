//! A token service for a registry (<https://distribution.github.io/distribution/spec/auth/token/>): anybody may read, who
//! says the password may write. It remembers what it was asked.

#![allow(dead_code, reason = "each test uses the part that it needs")]

use std::sync::{Arc, Mutex};

use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD, Engine as _};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use serde_json::json;

use super::front::{Answer, Front, Seen, Turn};
use super::registry::{PASSWORD, USER};

/// The name under which the registry knows the service.
pub const SERVICE: &str = "test-registry";
/// Who signs.
pub const ISSUER: &str = "test-issuer";

/// The running service.
pub struct Tokens {
    server: Front,
    certificate: String,
}

impl Tokens {
    pub fn start() -> Self {
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate =
            rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap().self_signed(&key).unwrap();
        let (pem, der) = (certificate.pem(), BASE64_STANDARD.encode(certificate.der()));
        let random = SystemRandom::new();
        let signer = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &key.serialize_der(), &random).unwrap();
        let signer = Arc::new(Mutex::new(signer));
        let server = Front::answering(move |seen, _| {
            let sign = |text: &[u8]| signer.lock().unwrap().sign(&random, text).unwrap().as_ref().to_vec();
            Turn::Answer(answer(seen, &der, &sign))
        });
        Self { server, certificate: pem }
    }

    /// Where tokens are given.
    pub fn realm(&self) -> String {
        format!("http://{}/token", self.server.host())
    }

    /// The certificate that its signatures are checked with.
    pub fn certificate(&self) -> &str {
        &self.certificate
    }

    /// What it was asked.
    pub fn seen(&self) -> Vec<Seen> {
        self.server.seen()
    }
}

fn answer(seen: &Seen, certificate: &str, sign: &dyn Fn(&[u8]) -> Vec<u8>) -> Answer {
    let user = match seen.headers.get("authorization") {
        None => None,
        Some(value) if *value == format!("Basic {}", BASE64_STANDARD.encode(format!("{USER}:{PASSWORD}"))) => {
            Some(USER)
        }
        Some(_) => return Answer::new(401, "application/json", b"{}".to_vec()),
    };
    let url = url::Url::parse(&format!("http://localhost{}", seen.target)).unwrap();
    let access: Vec<_> = url
        .query_pairs()
        .filter(|(key, _)| key == "scope")
        .flat_map(|(_, value)| value.split(' ').map(str::to_owned).collect::<Vec<_>>())
        .map(|scope| {
            let (kind, rest) = scope.split_once(':').unwrap();
            let (name, actions) = rest.rsplit_once(':').unwrap();
            let allowed: Vec<&str> = actions.split(',').filter(|action| user.is_some() || *action == "pull").collect();
            json!({ "type": kind, "name": name, "actions": allowed })
        })
        .collect();
    let now = jiff::Timestamp::now().as_second();
    let header = json!({ "typ": "JWT", "alg": "ES256", "x5c": [certificate] });
    let claims = json!({
        "iss": ISSUER, "sub": user.unwrap_or_default(), "aud": SERVICE, "exp": now + 300, "nbf": now - 60, "iat": now,
        "jti": format!("{now}-{}", seen.number), "access": access,
    });
    let part = |value: &serde_json::Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(&header), part(&claims));
    let token = format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode(sign(signed.as_bytes())));
    Answer::new(200, "application/json", json!({ "token": token, "expires_in": 300 }).to_string().into_bytes())
}
