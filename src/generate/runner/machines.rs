//! The machines on which jobs run: a node pool of Karpenter for each architecture, and one class for both
//! (<https://karpenter.sh/docs/concepts/nodepools/>, <https://karpenter.sh/docs/concepts/nodeclasses/>).

use super::super::{Error, Output};
use super::setup::Setup;
use super::{TAINT, release};
use crate::format::yaml::{Map, Out};
use crate::project::pipeline::Architecture;

/// The name of the class.
const CLASS: &str = "gitlab-runner";

/// Makes the pool of an architecture.
pub(super) fn pool(setup: &Setup, architecture: Architecture) -> Result<Output, Error> {
    let capacity: &[&str] = if setup.spot { &["spot", "on-demand"] } else { &["on-demand"] };
    let mut spec = Map::new();
    spec.set("nodeClassRef", class_reference());
    let requirements = [
        requirement("kubernetes.io/arch", "In", &[architecture.as_str()]),
        requirement("kubernetes.io/os", "In", &["linux"]),
        requirement("karpenter.sh/capacity-type", "In", capacity),
        requirement("karpenter.k8s.aws/instance-category", "In", &["c", "m", "r"]),
        requirement("karpenter.k8s.aws/instance-generation", "Gt", &["4"]),
    ];
    spec.set("requirements", Out::list(requirements));
    let mut taint = Map::new();
    taint.set("key", TAINT);
    taint.set("value", architecture.as_str());
    taint.set("effect", "NoSchedule");
    spec.set("taints", Out::list([taint])).comment("Only jobs run here: nothing else tolerates this taint.");
    spec.set("expireAfter", "168h").comment("After a week a machine is replaced, once its jobs are done;");
    spec.set("terminationGracePeriod", format!("{}m", setup.minutes)).comment("it waits for them this long.");
    let mut template = Map::new();
    template.set("spec", spec);

    let mut disruption = Map::new();
    disruption
        .set("consolidationPolicy", "WhenEmpty")
        .comment("A machine with a job on it is never removed to save cost.");
    disruption.set("consolidateAfter", "5m");
    let mut limits = Map::new();
    limits.set("cpu", setup.most_processors().to_string()).comment("The most processors that run at once.");
    let mut body = Map::new();
    body.set("template", template);
    body.set("disruption", disruption);
    body.set("limits", limits);
    let root = object("karpenter.sh/v1", "NodePool", &release(architecture), body);
    Output::yaml(format!("{}/nodepool-{}.yaml", setup.folder, architecture.as_str()), &root)
}

/// Makes the class of both pools: Karpenter finds the machine image for each architecture.
pub(super) fn class(setup: &Setup) -> Result<Output, Error> {
    let mut body = Map::new();
    let ami = body.set("amiSelectorTerms", Out::list([one("alias", &setup.ami)]));
    if setup.ami.ends_with("@latest") {
        ami.comment(
            "`latest` follows every new image automatically; `ami = \"al2023@v…\"` in [pipeline.runner] pins one.",
        );
    }
    body.set("role", &setup.node_role);
    let discovered = || {
        let mut term = Map::new();
        term.set("tags", one("karpenter.sh/discovery", &setup.cluster));
        Out::list([term])
    };
    body.set("subnetSelectorTerms", discovered()).comment("Subnets and security groups carry this tag.");
    body.set("securityGroupSelectorTerms", discovered());
    let mut metadata = Map::new();
    metadata.set("httpEndpoint", "enabled");
    metadata.set("httpTokens", "required");
    metadata.set("httpPutResponseHopLimit", 1_u32);
    body.set("metadataOptions", metadata)
        .comment("Jobs cannot reach the machine's own credentials: one hop, and only with tokens.");
    body.set("blockDeviceMappings", Out::list(disks(&setup.ami)));
    let root = object("karpenter.k8s.aws/v1", "EC2NodeClass", CLASS, body);
    Output::yaml(format!("{}/nodeclass.yaml", setup.folder), &root)
}

/// Bottlerocket keeps images and pods on a second disk.
fn disks(ami: &str) -> Vec<Map> {
    if ami.starts_with("bottlerocket") {
        vec![disk("/dev/xvda", "4Gi"), disk("/dev/xvdb", "100Gi")]
    } else {
        vec![disk("/dev/xvda", "100Gi")]
    }
}

fn disk(device: &str, size: &str) -> Map {
    let mut ebs = Map::new();
    ebs.set("volumeSize", size);
    ebs.set("volumeType", "gp3");
    ebs.set("encrypted", true);
    ebs.set("deleteOnTermination", true);
    let mut disk = Map::new();
    disk.set("deviceName", device);
    disk.set("ebs", ebs);
    disk
}

fn class_reference() -> Map {
    let mut reference = Map::new();
    reference.set("group", "karpenter.k8s.aws");
    reference.set("kind", "EC2NodeClass");
    reference.set("name", CLASS);
    reference
}

fn requirement(key: &str, operator: &str, values: &[&str]) -> Map {
    let mut requirement = Map::new();
    requirement.set("key", key);
    requirement.set("operator", operator);
    requirement.set("values", Out::flow(values.iter().copied()));
    requirement
}

fn object(version: &str, kind: &str, name: &str, spec: Map) -> Map {
    let mut root = Map::new();
    root.set("apiVersion", version);
    root.set("kind", kind);
    root.set("metadata", one("name", name));
    root.set("spec", spec);
    root
}

fn one(key: &str, value: &str) -> Map {
    let mut map = Map::new();
    map.set(key, value);
    map
}
