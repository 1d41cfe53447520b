//! Parses the error messages of registries.

use serde::Deserialize;

/// The body of an error response (<https://github.com/opencontainers/distribution-spec/blob/main/spec.md#error-codes>).
#[derive(Deserialize)]
struct ErrorBody {
    errors: Vec<ErrorEntry>,
}

#[derive(Deserialize)]
struct ErrorEntry {
    code: Option<String>,
    message: Option<String>,
}

/// Returns the message of an error response on one line, escaped for terminals; empty when the body has another form.
pub(super) fn message(body: &[u8]) -> String {
    const LONGEST: usize = 300;
    let Ok(ErrorBody { errors }) = serde_json::from_slice(body) else { return String::new() };
    let one = |entry: &ErrorEntry| {
        let parts = [&entry.code, &entry.message];
        parts.into_iter().flatten().filter(|part| !part.is_empty()).cloned().collect::<Vec<_>>().join(": ")
    };
    let text = errors.iter().map(one).collect::<Vec<_>>().join("; ");
    text.chars().take(LONGEST).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_registries_say_is_fit_for_a_terminal() {
        for (body, expected) in [
            (r#"{"errors":[{"code":"DENIED","message":"no\u001b[31m way","detail":{}}]}"#, "DENIED: no [31m way"),
            (r#"{"errors":[{"code":"A"},{"message":"b"}]}"#, "A; b"),
            ("<html>", ""),
            ("", ""),
        ] {
            assert_eq!(message(body.as_bytes()), expected);
        }
        let long = format!(r#"{{"errors":[{{"code":"{}"}}]}}"#, "x".repeat(5000));
        assert_eq!(message(long.as_bytes()).len(), 300);
    }
}
