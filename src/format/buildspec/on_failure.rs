//! What happens when a command of a phase fails.

/// `on-failure` (<https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html#build-spec.phases>).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OnFailure {
    /// The build ends after this phase.
    Abort,
    /// The next phase runs.
    Continue,
    /// The build starts again.
    Retry {
        /// The most retries.
        times: u32,
        /// Only when the output of the failure matches this expression; any failure where there is none.
        matching: Option<String>,
    },
}

/// The number of retries if none is given.
const RETRIES: u32 = 3;

/// The most retries that can be requested.
const MOST_RETRIES: u32 = 100;

impl OnFailure {
    /// Reads `ABORT`, `CONTINUE`, `RETRY`, `RETRY-<n>`, `RETRY-<expression>` or `RETRY-<n>-<expression>`, in any case:
    /// AWS's own examples write `Retry-3-…` too.
    ///
    /// # Errors
    /// The reason.
    pub fn parse(text: &str) -> Result<Self, String> {
        let upper = text.to_ascii_uppercase();
        match upper.as_str() {
            "ABORT" => return Ok(Self::Abort),
            "CONTINUE" => return Ok(Self::Continue),
            "RETRY" => return Ok(Self::Retry { times: RETRIES, matching: None }),
            _ => {}
        }
        let forms = || {
            format!(
                "unknown value `{text}`; expected one of: `ABORT`, `CONTINUE`, `RETRY`, `RETRY-<n>`, `RETRY-<n>-<expression>`"
            )
        };
        if !upper.starts_with("RETRY-") {
            return Err(forms());
        }
        let rest = &text["RETRY-".len()..];
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (number, after) = rest.split_at(digits);
        match (number, after.strip_prefix('-')) {
            _ if rest.is_empty() => Err(forms()),
            ("", _) => Ok(Self::Retry { times: RETRIES, matching: Some(rest.to_owned()) }),
            (_, None) if !after.is_empty() => Ok(Self::Retry { times: RETRIES, matching: Some(rest.to_owned()) }),
            (_, Some("")) => Err(forms()),
            (number, matching) => {
                let times = number.parse().ok().filter(|times| *times <= MOST_RETRIES);
                let times =
                    times.ok_or_else(|| format!("CodeBuild makes at most {MOST_RETRIES} retries, not {number}"))?;
                Ok(Self::Retry { times, matching: matching.map(str::to_owned) })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_the_guide_is_read() {
        let retry = |times, matching: Option<&str>| OnFailure::Retry { times, matching: matching.map(str::to_owned) };
        for (text, expected) in [
            ("ABORT", OnFailure::Abort),
            ("CONTINUE", OnFailure::Continue),
            ("continue", OnFailure::Continue),
            ("RETRY", retry(3, None)),
            ("RETRY-0", retry(0, None)),
            ("RETRY-100", retry(100, None)),
            ("RETRY-.*timeout.*", retry(3, Some(".*timeout.*"))),
            ("Retry-2-.*exit status 1.*", retry(2, Some(".*exit status 1.*"))),
            ("RETRY-5xx", retry(3, Some("5xx"))),
        ] {
            assert_eq!(OnFailure::parse(text), Ok(expected), "{text}");
        }
        for text in ["", "FAIL", "ABORT ", "RETRY-", "RETRY-101", "RETRY-3-", "RETRY 3", "RETRY:3"] {
            assert!(OnFailure::parse(text).is_err(), "{text:?}");
        }
    }
}
