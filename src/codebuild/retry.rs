//! Retries of requests to AWS.

use std::time::Duration;

use crate::aws::Error;

/// The most attempts per request.
const ATTEMPTS: u32 = 4;

/// The longest pause after the first attempt; it doubles with each one.
const PAUSE: Duration = Duration::from_secs(1);

/// Sends a request until it succeeds, at most four times. It waits a random time of up to 1, 2 and 4 seconds between
/// attempts (<https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/>). Expired credentials are
/// looked up again once. Safe for requests that change nothing, and for those with an idempotency token.
///
/// # Errors
/// The last error; immediately, when another attempt would not help.
pub async fn with_retries<T>(ask: impl AsyncFnMut() -> Result<T, Error>) -> Result<T, Error> {
    with_pauses(PAUSE, ask).await
}

async fn with_pauses<T>(pause: Duration, mut ask: impl AsyncFnMut() -> Result<T, Error>) -> Result<T, Error> {
    let (mut attempt, mut renewed) = (0, false);
    loop {
        attempt += 1;
        let error = match ask().await {
            Ok(answer) => return Ok(answer),
            Err(error) => error,
        };
        if error.needs_new_credentials() && !renewed {
            renewed = true;
            continue;
        }
        if !error.is_transient() || attempt >= ATTEMPTS {
            return Err(counted(error, attempt));
        }
        let longest = pause.saturating_mul(2_u32.saturating_pow(attempt - 1));
        tokio::time::sleep(longest.mul_f64(fastrand::f64())).await;
    }
}

/// Adds the number of attempts.
fn counted(error: Error, attempts: u32) -> Error {
    match error {
        Error::Throttled { service, code, .. } => Error::Throttled { service, code, attempts },
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Explain;

    fn throttled() -> Error {
        Error::Throttled { service: "CodeBuild", code: "ThrottlingException".to_owned(), attempts: 1 }
    }

    fn denied() -> Error {
        let need = crate::aws::Need::new("codebuild:StartBuild", "*");
        Error::Denied { need, source: None, explicit: None }
    }

    /// Asks with these answers, the last of which comes for ever; returns how often was asked, and the error.
    fn asked(answers: Vec<fn() -> Error>, then: Result<(), fn() -> Error>) -> (usize, Option<Error>) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let mut answers = answers.into_iter();
        let mut count = 0;
        let result = runtime.block_on(with_pauses(Duration::ZERO, async || {
            count += 1;
            answers.next().map_or_else(|| then.map_err(|error| error()), |error| Err(error()))
        }));
        (count, result.err())
    }

    #[test]
    fn what_passes_is_asked_four_times_and_what_does_not_once() {
        assert!(matches!(asked(vec![throttled, throttled, throttled], Ok(())), (4, None)));
        let (count, error) = asked(Vec::new(), Err(throttled));
        assert_eq!(count, 4);
        assert!(error.unwrap().to_string().ends_with("; 4 attempts were made"));
        let (count, error) = asked(vec![throttled], Err(denied));
        assert_eq!((count, error.unwrap().kind().exit_code()), (2, 3));
    }

    #[test]
    fn credentials_are_renewed_once() {
        assert!(matches!(asked(vec![|| Error::ExpiredCredentials], Ok(())), (2, None)));
        let (count, error) = asked(Vec::new(), Err(|| Error::ExpiredCredentials));
        assert!(matches!((count, error), (2, Some(Error::ExpiredCredentials))));
    }
}
