//! The JSON Schema validator. Knows JSON values only; fetches nothing.

use jsonschema::ValidationError;
use jsonschema::error::ValidationErrorKind;
use serde_json::Value;

use super::Violation;

#[derive(Debug)]
pub(super) struct Validator(jsonschema::Validator);

impl Validator {
    pub(super) fn new(schema: &Value) -> Result<Self, String> {
        // GitLab does not enforce `format`.
        jsonschema::options()
            .should_validate_formats(false)
            .build(schema)
            .map(Self)
            .map_err(|cause| format!("the schema is not a JSON schema: {cause}"))
    }

    /// Returns what the schema refuses in `value`.
    pub(super) fn violations(&self, value: &Value) -> Vec<Violation> {
        let violation = |error: ValidationError<'_>| {
            let error = deepest(&error);
            Violation {
                path: error.instance_path().to_string(),
                keyword: error.schema_path().to_string(),
                reason: error.to_string(),
            }
        };
        self.0.iter_errors(value).map(violation).collect()
    }
}

/// Finds the deepest cause: of several alternatives, the one that came closest to matching is the most useful.
fn deepest<'a>(error: &'a ValidationError<'a>) -> &'a ValidationError<'a> {
    let (ValidationErrorKind::AnyOf { context } | ValidationErrorKind::OneOfNotValid { context }) = error.kind() else {
        return error;
    };
    let depth = |error: &ValidationError<'_>| error.instance_path().to_string().matches('/').count();
    let own = depth(error);
    let inner = context.iter().flatten().max_by_key(|inner| depth(inner));
    inner.filter(|inner| depth(inner) > own).map_or(error, |inner| inner)
}
