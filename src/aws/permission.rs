//! Permissions, and the policies that grant them
//! (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_statement.html>).

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

/// A permission: one action on one resource.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Need {
    /// The action: `codebuild:StartBuild`.
    pub action: String,
    /// The ARN of the resource; `*` stands for unknown parts, such as the account.
    pub resource: String,
}

impl Need {
    #[must_use]
    pub fn new(action: impl Into<String>, resource: impl Into<String>) -> Self {
        Self { action: action.into(), resource: resource.into() }
    }
}

/// Formats the smallest policy that grants the permissions: one object for one statement, else a list. Actions on the
/// same resources share a statement.
#[must_use]
pub fn policy(needs: &[Need]) -> String {
    let mut resources: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for need in needs {
        resources.entry(&need.action).or_default().insert(&need.resource);
    }
    let mut statements: BTreeMap<BTreeSet<&str>, Vec<&str>> = BTreeMap::new();
    for (action, resources) in resources {
        statements.entry(resources).or_default().push(action);
    }
    let one_or_list = |words: Vec<&str>| if let [word] = words.as_slice() { json!(word) } else { json!(words) };
    let statements: Vec<Value> = statements
        .into_iter()
        .map(|(resources, actions)| {
            let resources = one_or_list(resources.into_iter().collect());
            json!({ "Effect": "Allow", "Action": one_or_list(actions), "Resource": resources })
        })
        .collect();
    let text = match statements.as_slice() {
        [statement] => serde_json::to_string_pretty(statement),
        statements => serde_json::to_string_pretty(statements),
    };
    text.expect("strings and lists are JSON")
}

/// Returns the partition of a region, the second part of every ARN
/// (<https://docs.aws.amazon.com/whitepapers/latest/aws-fault-isolation-boundaries/partitions.html>).
#[must_use]
pub fn partition(region: &str) -> &'static str {
    match region {
        _ if region.starts_with("cn-") => "aws-cn",
        _ if region.starts_with("us-gov-") => "aws-us-gov",
        _ if region.starts_with("eusc-") => "aws-eusc",
        _ => "aws",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_is_short_and_allows_no_more_than_was_asked() {
        let one = policy(&[Need::new("s3:GetObject", "arn:aws:s3:::b/k/*")]);
        let one: Value = serde_json::from_str(&one).unwrap();
        assert_eq!(one, json!({ "Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/k/*" }));
        let several = policy(&[
            Need::new("s3:PutObject", "arn:aws:s3:::b/k/*"),
            Need::new("s3:GetObject", "arn:aws:s3:::b/k/*"),
            Need::new("s3:ListBucket", "arn:aws:s3:::b"),
            Need::new("s3:GetObject", "arn:aws:s3:::b/k/*"),
        ]);
        let several: Value = serde_json::from_str(&several).unwrap();
        assert_eq!(
            several,
            json!([
                { "Effect": "Allow", "Action": "s3:ListBucket", "Resource": "arn:aws:s3:::b" },
                { "Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"], "Resource": "arn:aws:s3:::b/k/*" },
            ])
        );
    }

    #[test]
    fn regions_lie_in_partitions() {
        for (region, expected) in [
            ("eu-west-1", "aws"),
            ("cn-north-1", "aws-cn"),
            ("us-gov-east-1", "aws-us-gov"),
            ("eusc-de-east-1", "aws-eusc"),
        ] {
            assert_eq!(partition(region), expected);
        }
    }
}
