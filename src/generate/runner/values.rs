//! The values of the official gitlab-runner chart (<https://gitlab.com/gitlab-org/charts/gitlab-runner>).

use super::super::{Error, Output};
use super::setup::Setup;
use super::{config, release, secret};
use crate::format::yaml::{Map, Out};
use crate::project::pipeline::Architecture;

/// What the manager needs to do in Kubernetes, and nothing more (<https://docs.gitlab.com/runner/executors/kubernetes/>,
/// "Configure runner API permissions"). Without rules the chart would allow everything in the namespace.
const RULES: &[(&[&str], &[&str])] = &[
    (&["events"], &["list", "watch"]),
    (&["pods"], &["create", "delete", "get", "list", "watch"]),
    (&["pods/attach", "pods/exec"], &["create", "delete", "get", "patch"]),
    (&["pods/log"], &["get", "list"]),
    (&["secrets"], &["create", "delete", "get", "update"]),
    (&["serviceaccounts"], &["get"]),
    (&["services"], &["create", "get"]),
];

/// Makes the values file of one architecture's release.
pub(super) fn output(setup: &Setup, architecture: Architecture) -> Result<Output, Error> {
    let mut root = Map::new();
    root.set("gitlabUrl", &setup.url);
    root.set("concurrent", setup.concurrent).beside("jobs that run at once");
    root.set("terminationGracePeriodSeconds", setup.minutes * 60)
        .comment("When the manager is replaced, it first waits for its jobs: as long as a job may run.");

    let mut rbac = Map::new();
    rbac.set("create", true);
    rbac.set("rules", Out::list(RULES.iter().map(|(resources, verbs)| rule(resources, verbs))));
    root.set("rbac", rbac).gap();
    let mut account = Map::new();
    account.set("create", true);
    account.set("name", release(architecture));
    root.set("serviceAccount", account);

    let mut runners = Map::new();
    runners.set("secret", secret(architecture)).comment(
        "The Secret with the runner's token; see README.md. Tags, protection and permitted projects are set in GitLab.",
    );
    runners
        .set("config", Out::Block(config::config(setup, architecture)))
        .comment("Helm reads this as a template: write braces as \\u007b and \\u007d.");
    root.set("runners", runners).gap();

    let mut resources = Map::new();
    resources.set("requests", sizes("100m", "128Mi"));
    root.set("resources", resources).gap().comment("The manager itself, which starts a pod for each job.");
    let mut selector = Map::new();
    selector.set("kubernetes.io/os", "linux");
    root.set("nodeSelector", selector);
    root.set("affinity", not_on_spot())
        .comment("Not on machines that can be reclaimed; the jobs' own machines do not accept it.");
    Output::yaml(format!("{}/values-{}.yaml", setup.folder, architecture.as_str()), &root)
}

fn rule(resources: &[&str], verbs: &[&str]) -> Map {
    let mut rule = Map::new();
    rule.set("apiGroups", Out::flow([""]));
    rule.set("resources", Out::flow(resources.iter().copied()));
    rule.set("verbs", Out::flow(verbs.iter().copied()));
    rule
}

fn sizes(cpu: &str, memory: &str) -> Map {
    let mut sizes = Map::new();
    sizes.set("cpu", cpu);
    sizes.set("memory", memory);
    sizes
}

/// Keeps pods off spot machines by the labels of Karpenter and of EKS's own node groups; a machine without either is fine.
fn not_on_spot() -> Map {
    let not = |key: &str, value: &str| {
        let mut expression = Map::new();
        expression.set("key", key);
        expression.set("operator", "NotIn");
        expression.set("values", Out::flow([value]));
        expression
    };
    let mut term = Map::new();
    term.set(
        "matchExpressions",
        Out::list([not("karpenter.sh/capacity-type", "spot"), not("eks.amazonaws.com/capacityType", "SPOT")]),
    );
    nested(&["nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution", "nodeSelectorTerms"], Out::list([term]))
}

/// Puts a value below a path of keys.
fn nested(path: &[&str], value: Out) -> Map {
    let mut map = Map::new();
    let (first, rest) = path.split_first().expect("a path has a key");
    map.set(*first, if rest.is_empty() { value } else { nested(rest, value).into() });
    map
}
