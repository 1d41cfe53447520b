//! Converts errors of the SDK.

use std::error::Error as StdError;

use aws_sdk_codebuild::error::ProvideErrorMetadata;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::ConnectorError;

use crate::aws::{Error, Need, Refusal, Service, classify};
use crate::net;

/// An error of the SDK.
pub(super) type SdkError<E> = aws_sdk_codebuild::error::SdkError<E, HttpResponse>;

/// An error of an operation.
pub(super) trait OperationError: StdError + Send + Sync + ProvideErrorMetadata + 'static {}

impl<E: StdError + Send + Sync + ProvideErrorMetadata + 'static> OperationError for E {}

/// Converts an error of the SDK.
pub(super) fn convert<E: OperationError>(error: SdkError<E>, need: &Need, what: &str) -> Error {
    let service = Service::CODEBUILD;
    let name = service.name;
    let status = error.raw_response().map(|answer| answer.status().as_u16());
    if let (SdkError::ServiceError(context), Some(status)) = (&error, status) {
        let service_error = context.err();
        let (code, message) = (service_error.code().unwrap_or_default(), service_error.message().unwrap_or_default());
        return classify(service, need, what, Refusal { status, code, message, attempts: 1 });
    }
    if let Some(status) = status {
        // A page of a proxy, or a truncated response.
        return match status {
            200 => Error::Answer { service: name, reason: "it is not CodeBuild's JSON".to_owned() },
            _ => classify(service, need, what, Refusal { status, code: "", message: "", attempts: 1 }),
        };
    }
    let source = match error.into_source() {
        Ok(source) => source,
        Err(error) => return Error::Answer { service: name, reason: error.to_string() },
    };
    let source = match source.downcast::<ConnectorError>() {
        Ok(connector) => connector.into_source(),
        Err(other) => other,
    };
    match source.downcast::<net::Error>() {
        Ok(source) => Error::Unreachable { service: name, source },
        Err(other) => Error::Answer { service: name, reason: deepest(&*other) },
    }
}

/// Returns the innermost cause: the SDK's own errors only name the step.
fn deepest(error: &(dyn StdError + 'static)) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}
