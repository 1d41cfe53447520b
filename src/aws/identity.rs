//! The caller's identity, and what IAM allows it to do.

use std::collections::BTreeMap;

use roxmltree::{Document, Node};
use url::Url;

use super::query::{Query, text_of};
use super::{Error, Need, Service, Session, needs, partition};

/// The most pages of a response.
const PAGES: usize = 50;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    pub account: String,
    /// The ARN of a user, or of a session of a role.
    pub arn: String,
}

/// IAM's decision about a permission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// A policy allows it, and none denies it.
    Allowed,
    /// No policy allows it.
    Denied,
    /// A policy denies it explicitly: no other policy can allow it.
    ExplicitlyDenied,
    /// It depends on these condition keys, which only the real request has: `aws:SourceIp`.
    Depends(Vec<String>),
}

impl Identity {
    /// Returns the ARN of the user or role whose policies apply; none for others, such as the root of an account. The
    /// path of a role is missing: the ARN of a session does not have it
    /// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html>).
    #[must_use]
    pub fn principal(&self) -> Option<String> {
        let resource = self.arn.splitn(6, ':').nth(5)?;
        match resource.split_once('/') {
            Some(("user" | "role", _)) => Some(self.arn.clone()),
            Some(("assumed-role", rest)) => Some(self.role_arn(rest.split('/').next()?)),
            _ => None,
        }
    }

    /// Returns the name of the role whose session this is.
    fn role(&self) -> Option<&str> {
        self.arn.split_once(":assumed-role/")?.1.split('/').next()
    }

    fn role_arn(&self, role: &str) -> String {
        let partition = self.arn.split(':').nth(1).unwrap_or("aws");
        format!("arn:{partition}:iam::{}:role/{role}", self.account)
    }
}

impl Session {
    /// Returns the caller's identity.
    ///
    /// # Errors
    /// When there are no credentials, or STS rejects them.
    pub async fn identity(&self, region: &str) -> Result<Identity, Error> {
        let need = needs::get_caller_identity();
        let query = Query {
            service: Service::STS,
            url: self.url(Service::STS, region)?,
            region,
            version: "2011-06-15",
            action: "GetCallerIdentity",
            parameters: Vec::new(),
            need: &need,
            what: "the caller",
        };
        let answer = self.query(query).await?;
        let document = parsed(Service::STS, &answer)?;
        let text = |name: &str| text_of(document.root_element(), name).filter(|text| !text.is_empty());
        match (text("Account"), text("Arn")) {
            (Some(account), Some(arn)) if account.bytes().all(|byte| byte.is_ascii_digit()) => {
                Ok(Identity { account, arn })
            }
            _ => Err(unexpected(Service::STS, "it names no account")),
        }
    }

    /// Asks IAM which of these permissions a user or role has, without using them. Identity policies, permission
    /// boundaries and the organization's policies count; those of buckets and keys do not
    /// (<https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html>).
    ///
    /// # Errors
    /// [`Error::Denied`] when this request itself is not allowed, [`Error::Missing`] when there is no such role.
    pub async fn simulate(
        &self,
        identity: &Identity,
        principal: &str,
        wanted: &[Need],
        region: &str,
    ) -> Result<BTreeMap<Need, Decision>, Error> {
        let found = self.simulate_as(principal, wanted, region).await;
        match (found, identity.role()) {
            // Its ARN may have a path, which only IAM returns.
            (Err(Error::Missing { .. }), Some(role)) => {
                let arn = self.arn_of_role(role, identity, region).await?;
                self.simulate_as(&arn, wanted, region).await
            }
            (found, _) => found,
        }
    }

    async fn simulate_as(
        &self,
        principal: &str,
        wanted: &[Need],
        region: &str,
    ) -> Result<BTreeMap<Need, Decision>, Error> {
        let mut by_resource: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for need in wanted {
            by_resource.entry(&need.resource).or_default().push(&need.action);
        }
        let mut decisions = BTreeMap::new();
        for (resource, actions) in by_resource {
            let mut parameters = vec![("PolicySourceArn".to_owned(), principal.to_owned())];
            for (number, action) in (1..).zip(&actions) {
                parameters.push((format!("ActionNames.member.{number}"), (*action).to_owned()));
            }
            parameters.push(("ResourceArns.member.1".to_owned(), resource.to_owned()));
            for (action, decision) in self.decisions(principal, parameters, region).await? {
                decisions.insert(Need::new(action, resource), decision);
            }
        }
        Ok(decisions)
    }

    /// Reads the decisions about one resource, page by page.
    async fn decisions(
        &self,
        principal: &str,
        parameters: Vec<(String, String)>,
        region: &str,
    ) -> Result<Vec<(String, Decision)>, Error> {
        let (mut decisions, mut marker) = (Vec::new(), None::<String>);
        let (need, what) = (needs::simulate(principal), format!("the role or user {principal}"));
        for _ in 0..PAGES {
            let mut parameters = parameters.clone();
            parameters.extend(marker.take().map(|marker| ("Marker".to_owned(), marker)));
            let answer = self.iam("SimulatePrincipalPolicy", parameters, &need, &what, region).await?;
            let document = parsed(Service::IAM, &answer)?;
            let root = document.root_element();
            decisions.extend(root.descendants().filter(|node| is(*node, "EvaluationResults")).flat_map(|results| {
                results.children().filter(|node| is(*node, "member")).filter_map(decision).collect::<Vec<_>>()
            }));
            match (text_of(root, "IsTruncated").as_deref(), text_of(root, "Marker")) {
                (Some("true"), Some(next)) => marker = Some(next),
                _ => return Ok(decisions),
            }
        }
        Err(unexpected(Service::IAM, "it has no end"))
    }

    async fn arn_of_role(&self, role: &str, identity: &Identity, region: &str) -> Result<String, Error> {
        let need = Need::new("iam:GetRole", identity.role_arn(role));
        let parameters = vec![("RoleName".to_owned(), role.to_owned())];
        let answer = self.iam("GetRole", parameters, &need, &format!("the role `{role}`"), region).await?;
        let document = parsed(Service::IAM, &answer)?;
        text_of(document.root_element(), "Arn").ok_or_else(|| unexpected(Service::IAM, "it names no ARN"))
    }

    async fn iam(
        &self,
        action: &'static str,
        parameters: Vec<(String, String)>,
        need: &Need,
        what: &str,
        region: &str,
    ) -> Result<String, Error> {
        let (host, region) = iam_host(region);
        let url = match self.address(Service::IAM)? {
            Some(url) => url,
            None => Url::parse(&format!("https://{host}/")).map_err(|_| unexpected(Service::IAM, "it has no host"))?,
        };
        let (service, version) = (Service::IAM, "2010-05-08");
        self.query(Query { service, url, region, version, action, parameters, need, what }).await
    }
}

/// Returns the only IAM host in the partition of a region, and the region for its signatures
/// (<https://docs.aws.amazon.com/general/latest/gr/iam-service.html>).
fn iam_host(region: &str) -> (&'static str, &'static str) {
    match partition(region) {
        "aws-cn" => ("iam.cn-north-1.amazonaws.com.cn", "cn-north-1"),
        "aws-us-gov" => ("iam.us-gov.amazonaws.com", "us-gov-west-1"),
        "aws-eusc" => ("iam.eusc-de-east-1.amazonaws.eu", "eusc-de-east-1"),
        _ => ("iam.amazonaws.com", "us-east-1"),
    }
}

/// Parses the decision about an action.
fn decision(result: Node<'_, '_>) -> Option<(String, Decision)> {
    let child = |name: &str| result.children().find(|node| is(*node, name));
    let action = child("EvalActionName")?.text()?.to_owned();
    let missing = child("MissingContextValues").into_iter().flat_map(|list| list.children());
    let missing: Vec<String> = missing.filter_map(|node| node.text()).map(|text| text.trim().to_owned()).collect();
    let missing: Vec<String> = missing.into_iter().filter(|text| !text.is_empty()).collect();
    let decision = match child("EvalDecision")?.text()?.trim() {
        "explicitDeny" => Decision::ExplicitlyDenied,
        _ if !missing.is_empty() => Decision::Depends(missing),
        "allowed" => Decision::Allowed,
        _ => Decision::Denied,
    };
    Some((action, decision))
}

fn is(node: Node<'_, '_>, name: &str) -> bool {
    node.tag_name().name() == name
}

fn parsed(service: Service, text: &str) -> Result<Document<'_>, Error> {
    Document::parse(text.trim_start()).map_err(|_| unexpected(service, "it is not XML"))
}

fn unexpected(service: Service, reason: &str) -> Error {
    Error::Answer { service: service.name, reason: reason.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_of_a_role_and_the_root_of_nobody() {
        for (arn, expected) in [
            ("arn:aws:iam::111122223333:user/ops/anna", Some("arn:aws:iam::111122223333:user/ops/anna")),
            ("arn:aws:sts::111122223333:assumed-role/ci/i-012", Some("arn:aws:iam::111122223333:role/ci")),
            ("arn:aws-cn:sts::111122223333:assumed-role/ci/x", Some("arn:aws-cn:iam::111122223333:role/ci")),
            ("arn:aws:iam::111122223333:root", None),
            ("arn:aws:sts::111122223333:federated-user/bob", None),
            ("nonsense", None),
        ] {
            let identity = Identity { account: "111122223333".to_owned(), arn: arn.to_owned() };
            assert_eq!(identity.principal().as_deref(), expected, "{arn}");
        }
    }

    #[test]
    fn decisions_are_read_with_what_they_depend_on() {
        let text = "<R><EvaluationResults>\
             <member><EvalActionName>a:A</EvalActionName><EvalDecision>allowed</EvalDecision></member>\
             <member><EvalActionName>a:B</EvalActionName><EvalDecision>implicitDeny</EvalDecision>\
             <MissingContextValues><member>aws:SourceIp</member></MissingContextValues></member>\
             <member><EvalActionName>a:C</EvalActionName><EvalDecision>explicitDeny</EvalDecision></member>\
             <member><EvalActionName>a:D</EvalActionName><EvalDecision>implicitDeny</EvalDecision>\
             <MissingContextValues/></member><member/></EvaluationResults></R>";
        let document = Document::parse(text).unwrap();
        let members = document
            .descendants()
            .filter(|node| is(*node, "member") && node.parent().is_some_and(|up| is(up, "EvaluationResults")));
        let found: Vec<_> = members.filter_map(decision).collect();
        assert_eq!(
            found,
            [
                ("a:A".to_owned(), Decision::Allowed),
                ("a:B".to_owned(), Decision::Depends(vec!["aws:SourceIp".to_owned()])),
                ("a:C".to_owned(), Decision::ExplicitlyDenied),
                ("a:D".to_owned(), Decision::Denied),
            ]
        );
    }
}
