//! Links to the AWS console.

use crate::aws::partition;

/// Returns the page of a build or a batch, by its ARN
/// (<https://docs.aws.amazon.com/codebuild/latest/userguide/view-build-details.html>); none for other ARNs.
#[must_use]
pub fn console(arn: &str) -> Option<String> {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let ["arn", _, "codebuild", region, account, rest] = parts[..] else { return None };
    let (kind, id) = rest.split_once('/')?;
    let page = match kind {
        "build" => "build",
        "build-batch" => "batch",
        _ => return None,
    };
    let (project, number) = id.split_once(':')?;
    let fine = |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    if ![region, account, project, number].into_iter().all(fine) {
        return None;
    }
    let host = match partition(region) {
        "aws-cn" => "console.amazonaws.cn",
        "aws-us-gov" => "console.amazonaws-us-gov.com",
        "aws-eusc" => "console.amazonaws-eusc.eu",
        _ => "console.aws.amazon.com",
    };
    Some(format!(
        "https://{region}.{host}/codesuite/codebuild/{account}/projects/{project}/{page}/{project}%3A{number}/?region={region}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn builds_and_batches_have_a_page_in_the_console() {
        for (arn, expected) in [
            (
                "arn:aws:codebuild:eu-west-1:111122223333:build/web:12-34",
                Some(
                    "https://eu-west-1.console.aws.amazon.com/codesuite/codebuild/111122223333/projects/web/build/web%3A12-34/\
                     ?region=eu-west-1",
                ),
            ),
            (
                "arn:aws-cn:codebuild:cn-north-1:1:build-batch/web:1",
                Some(
                    "https://cn-north-1.console.amazonaws.cn/codesuite/codebuild/1/projects/web/batch/web%3A1/?region=cn-north-1",
                ),
            ),
            ("arn:aws:codebuild:eu-west-1:1:project/web", None),
            ("arn:aws:codebuild:eu-west-1:1:build/we b:1\u{1b}", None),
            ("web:1", None),
        ] {
            assert_eq!(console(arn).as_deref(), expected, "{arn}");
        }
    }
}
