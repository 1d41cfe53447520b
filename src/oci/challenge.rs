//! What a registry asks for in `WWW-Authenticate` (RFC 9110 §11.6.1;
//! <https://distribution.github.io/distribution/spec/auth/token/>).

use crate::net::header::{HeaderMap, WWW_AUTHENTICATE};

/// One challenge: `Bearer realm="https://ghcr.io/token",service="ghcr.io",scope="repository:a/b:pull"`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Challenge {
    /// `basic` or `bearer`, in lower case.
    pub(super) scheme: String,
    parameters: Vec<(String, String)>,
}

impl Challenge {
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Lists the scopes that are asked for; several stand in one parameter, between spaces.
    pub(super) fn scopes(&self) -> Vec<String> {
        self.get("scope").unwrap_or_default().split_whitespace().map(str::to_owned).collect()
    }
}

/// Reads the challenges of an answer, of which each header may hold several.
pub(super) fn challenges(headers: &HeaderMap) -> Vec<Challenge> {
    headers.get_all(WWW_AUTHENTICATE).into_iter().filter_map(|value| value.to_str().ok()).flat_map(read).collect()
}

/// Reads one header: `Basic realm="x", Bearer realm="y",service=z`. A part without `=` in front of a space starts a new
/// challenge; what is not understood is left out, as nothing is sent for it.
fn read(header: &str) -> Vec<Challenge> {
    let mut found: Vec<Challenge> = Vec::new();
    for part in parts(header) {
        let (name, value) = part.split_once('=').map_or((part.as_str(), None), |(name, value)| (name, Some(value)));
        let name = match name.trim().split_once(char::is_whitespace) {
            Some((scheme, name)) => {
                found.push(Challenge { scheme: scheme.to_ascii_lowercase(), parameters: Vec::new() });
                name.trim()
            }
            None if value.is_none() && !name.trim().is_empty() => {
                found.push(Challenge { scheme: name.trim().to_ascii_lowercase(), parameters: Vec::new() });
                continue;
            }
            None => name.trim(),
        };
        if let (Some(challenge), Some(value)) = (found.last_mut(), value) {
            challenge.parameters.push((name.to_ascii_lowercase(), unquoted(value.trim())));
        }
    }
    found
}

/// Splits at the commas that stand outside quotes.
fn parts(header: &str) -> Vec<String> {
    let (mut parts, mut quoted, mut escaped) = (vec![String::new()], false, false);
    for c in header.chars() {
        let plain = !std::mem::take(&mut escaped);
        match c {
            '"' if plain => quoted = !quoted,
            '\\' if plain && quoted => escaped = true,
            ',' if !quoted => {
                parts.push(String::new());
                continue;
            }
            _ => {}
        }
        if let Some(part) = parts.last_mut() {
            part.push(c);
        }
    }
    parts
}

fn unquoted(value: &str) -> String {
    let Some(inner) = value.strip_prefix('"').and_then(|value| value.strip_suffix('"')) else {
        return value.to_owned();
    };
    let mut text = String::new();
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        text.extend(if c == '\\' { chars.next() } else { Some(c) });
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(header: &str) -> String {
        let one = |challenge: &Challenge| {
            let parameters: Vec<_> =
                challenge.parameters.iter().map(|(name, value)| format!("{name}={value}")).collect();
            format!("{} [{}]", challenge.scheme, parameters.join(" | "))
        };
        read(header).iter().map(one).collect::<Vec<_>>().join("; ")
    }

    #[test]
    fn challenges_are_read_as_registries_write_them() {
        for (header, expected) in [
            (
                r#"Bearer realm="https://ghcr.io/token",service="ghcr.io",scope="repository:a/b:pull""#,
                "bearer [realm=https://ghcr.io/token | service=ghcr.io | scope=repository:a/b:pull]",
            ),
            (
                r#"Bearer realm="https://gcr.io/v2/token",service=gcr.io"#,
                "bearer [realm=https://gcr.io/v2/token | service=gcr.io]",
            ),
            (r#"Basic realm="Registry Realm""#, "basic [realm=Registry Realm]"),
            (
                r#"Basic realm="a, b", Bearer realm="https://q/v2/auth",service="q""#,
                "basic [realm=a, b]; bearer [realm=https://q/v2/auth | service=q]",
            ),
            (
                r#"bearer  REALM="x", scope="repository:a:pull,push repository:b:pull""#,
                "bearer [realm=x | scope=repository:a:pull,push repository:b:pull]",
            ),
            (r#"Negotiate, Basic realm="a\"b""#, r#"negotiate []; basic [realm=a"b]"#),
            ("", ""),
            ("=,=,", ""),
            (r#"Bearer realm="unterminated"#, r#"bearer [realm="unterminated]"#),
        ] {
            assert_eq!(told(header), expected, "{header}");
        }
    }
}
