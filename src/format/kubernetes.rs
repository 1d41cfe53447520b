//! Kubernetes manifests, as far as images are concerned (<https://kubernetes.io/docs/reference/kubernetes-api/>). Never
//! fails: what is not an object is left out.

use super::yaml::{Node, Tree};
use crate::model::ImagePlatform;

/// The keys of a pod's specification that list its containers.
const CONTAINERS: &[&str] = &["initContainers", "containers", "ephemeralContainers"];

/// The labels of nodes by which pods choose an architecture
/// (<https://kubernetes.io/docs/reference/labels-annotations-taints/#kubernetes-io-arch>).
const ARCHITECTURE: &[&str] = &["kubernetes.io/arch", "beta.kubernetes.io/arch"];

/// The same for operating systems.
const SYSTEM: &[&str] = &["kubernetes.io/os", "beta.kubernetes.io/os"];

/// An image that a manifest names.
#[derive(Debug)]
pub struct Image<'a> {
    /// The kind of object: `Deployment`.
    pub kind: &'a str,
    /// The node that names the image.
    pub node: &'a Node,
    /// The image's name; joined if a kustomization has it in parts.
    pub name: String,
    /// The platforms that the pod's nodes are limited to; empty if they are not limited.
    pub nodes: Vec<ImagePlatform>,
}

/// Returns true if a document is a Kubernetes object, by its keys.
#[must_use]
pub fn is_object(root: &Node) -> bool {
    let text = |key: &str| root.get(key).and_then(Node::text).is_some();
    (text("apiVersion") && text("kind")) || is_kustomization(root)
}

/// Lists the images of every object: those of all pods wherever their specification is (in a workload's template, a
/// cron job's job, a list of objects, an unknown resource), and those that a kustomization sets.
#[must_use]
pub fn images(tree: &Tree) -> Vec<Image<'_>> {
    let mut found = Vec::new();
    for root in tree.documents.iter().filter(|root| is_object(root)) {
        if is_kustomization(root) {
            kustomized(root, &mut found);
        } else {
            walk(root, root.get("kind").and_then(Node::text).unwrap_or_default(), &mut found);
        }
    }
    found
}

/// Finds the specifications of pods: maps with a list of containers.
fn walk<'a>(node: &'a Node, kind: &'a str, found: &mut Vec<Image<'a>>) {
    for item in node.items().unwrap_or_default() {
        walk(item, kind, found);
    }
    let Some(entries) = node.entries() else { return };
    // The objects of a list have their own kinds.
    let own = node.get("apiVersion").and_then(|_| node.get("kind")?.text());
    let kind = own.unwrap_or(kind);
    pod(node, kind, found);
    for entry in entries {
        let containers = entry.key.text().is_some_and(|key| CONTAINERS.contains(&key));
        if !containers {
            walk(&entry.value, kind, found);
        }
    }
}

fn pod<'a>(spec: &'a Node, kind: &'a str, found: &mut Vec<Image<'a>>) {
    let containers = CONTAINERS.iter().filter_map(|key| spec.get(key)?.items()).flatten();
    let named: Vec<&Node> = containers.filter_map(|container| container.get("image")).collect();
    // A volume may be an image too (https://kubernetes.io/docs/tasks/configure-pod-container/image-volumes/).
    let volumes = spec.get("volumes").and_then(Node::items).unwrap_or_default().iter();
    let volumes = volumes.filter_map(|volume| volume.get("image")?.get("reference"));
    let nodes = if named.is_empty() { Vec::new() } else { nodes(spec) };
    for node in named.into_iter().chain(volumes) {
        if let Some(name) = node.text().filter(|_| !node.is_null()) {
            found.push(Image { kind, node, name: name.to_owned(), nodes: nodes.clone() });
        }
    }
}

/// Returns the platforms that a pod's nodes are limited to, by `nodeSelector` or the affinity that must hold.
fn nodes(spec: &Node) -> Vec<ImagePlatform> {
    let architectures = labelled(spec, ARCHITECTURE);
    let systems = labelled(spec, SYSTEM);
    let system = systems.first().copied().unwrap_or("linux");
    if architectures.is_empty() && system != "linux" {
        return vec![ImagePlatform::new(system, "amd64", None)];
    }
    architectures.into_iter().map(|architecture| ImagePlatform::new(system, architecture, None)).collect()
}

fn labelled<'a>(spec: &'a Node, labels: &[&str]) -> Vec<&'a str> {
    let selector = spec.get("nodeSelector");
    if let Some(value) = labels.iter().find_map(|label| selector?.get(label)?.text()) {
        return vec![value];
    }
    let terms = || {
        let required =
            spec.get("affinity")?.get("nodeAffinity")?.get("requiredDuringSchedulingIgnoredDuringExecution")?;
        required.get("nodeSelectorTerms")?.items()
    };
    // One of the terms must hold: if one does not mention the label, nothing is certain.
    let mut values = Vec::new();
    for term in terms().unwrap_or_default() {
        let rules = term.get("matchExpressions").and_then(Node::items).unwrap_or_default();
        let rule = rules.iter().find(|rule| {
            let key = rule.get("key").and_then(Node::text);
            key.is_some_and(|key| labels.contains(&key)) && rule.get("operator").and_then(Node::text) == Some("In")
        });
        let Some(named) = rule.and_then(|rule| rule.get("values")?.items()) else { return Vec::new() };
        values.extend(named.iter().filter_map(Node::text));
    }
    values
}

fn is_kustomization(root: &Node) -> bool {
    let kind = root.get("kind").and_then(Node::text);
    let group = root.get("apiVersion").and_then(Node::text).is_none_or(|group| group.starts_with("kustomize."));
    match kind {
        Some("Kustomization" | "Component") => group,
        Some(_) => false,
        // Both keys are optional.
        None => group && root.get("resources").is_some() && root.get("images").and_then(Node::items).is_some(),
    }
}

/// Lists what a kustomization sets (<https://kubectl.docs.kubernetes.io/references/kustomize/kustomization/images/>). A
/// new name alone leaves the tag to the manifests, so it names no image.
fn kustomized<'a>(root: &'a Node, found: &mut Vec<Image<'a>>) {
    for item in root.get("images").and_then(Node::items).unwrap_or_default() {
        let text = |key: &str| item.get(key).filter(|node| !node.is_null()).and_then(Node::text);
        let Some(name) = text("newName").or_else(|| text("name")) else { continue };
        let name = match (text("newTag"), text("digest")) {
            (Some(tag), Some(digest)) => format!("{name}:{tag}@{digest}"),
            (Some(tag), None) => format!("{name}:{tag}"),
            (None, Some(digest)) => format!("{name}@{digest}"),
            (None, None) => continue,
        };
        let node = item.get("newTag").or_else(|| item.get("digest")).unwrap_or(item);
        found.push(Image { kind: "Kustomization", node, name, nodes: Vec::new() });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::yaml::parse;

    fn read(text: &str) -> Vec<String> {
        let tree = parse(text).unwrap();
        let line = |image: &Image<'_>| {
            let nodes: String = image.nodes.iter().map(|platform| format!(" @{platform}")).collect();
            format!("{} {}{nodes}", image.kind, image.name)
        };
        images(&tree).iter().map(line).collect()
    }

    fn of_pod(spec: &str) -> Vec<String> {
        read(&format!("apiVersion: v1\nkind: Pod\nspec: {spec}\n"))
    }

    #[test]
    fn the_pods_of_every_workload_are_found() {
        let workload = |kind: &str, path: &str, ends: &str| {
            format!("apiVersion: x/v1\nkind: {kind}\nspec: {path}{{containers: [{{name: c, image: \"a:1\"}}]}}{ends}\n")
        };
        for (text, expected) in [
            (workload("Pod", "", ""), "Pod a:1"),
            (workload("Deployment", "{template: {spec: ", "}}"), "Deployment a:1"),
            (workload("StatefulSet", "{template: {spec: ", "}}"), "StatefulSet a:1"),
            (workload("DaemonSet", "{template: {spec: ", "}}"), "DaemonSet a:1"),
            (workload("Job", "{template: {spec: ", "}}"), "Job a:1"),
            (workload("CronJob", "{jobTemplate: {spec: {template: {spec: ", "}}}}"), "CronJob a:1"),
            (workload("Rollout", "{x: [{y: ", "}]}"), "Rollout a:1"),
        ] {
            assert_eq!(read(&text), [expected], "{text}");
        }
    }

    #[test]
    fn only_containers_are_listed() {
        for (spec, expected) in [
            ("{initContainers: [{image: i}], containers: [{image: a}, {image: b}]}", &["Pod i", "Pod a", "Pod b"][..]),
            ("{containers: [{image: a}], ephemeralContainers: [{image: e}]}", &["Pod a", "Pod e"]),
            ("{containers: [{name: a}, {image: ~}, {image: [x]}, x]}", &[]),
            ("{containers: {image: x}}", &[]),
            ("{containers: [{image: a, env: [{name: image, value: x}]}]}", &["Pod a"]),
            (
                "{containers: [{image: a}], volumes: [{name: v, image: {reference: d}}, {emptyDir: {}}]}",
                &["Pod a", "Pod d"],
            ),
            ("{image: x}", &[]),
        ] {
            assert_eq!(of_pod(spec), expected, "{spec}");
        }
    }

    #[test]
    fn nodes_limit_the_platforms() {
        let affinity = |terms: &str| {
            format!(
                "{{containers: [{{image: a}}], affinity: {{nodeAffinity: \
                 {{requiredDuringSchedulingIgnoredDuringExecution: {{nodeSelectorTerms: {terms}}}}}}}}}"
            )
        };
        let selector = |labels: &str| format!("{{containers: [{{image: a}}], nodeSelector: {{{labels}}}}}");
        let arch = |values: &str| {
            format!("{{matchExpressions: [{{key: kubernetes.io/arch, operator: In, values: {values}}}]}}")
        };
        for (spec, expected) in [
            (selector("kubernetes.io/arch: arm64"), "Pod a @linux/arm64"),
            (selector("beta.kubernetes.io/arch: amd64"), "Pod a @linux/amd64"),
            (selector("kubernetes.io/os: windows"), "Pod a @windows/amd64"),
            (selector("disk: ssd"), "Pod a"),
            (affinity(&format!("[{}]", arch("[amd64, arm64]"))), "Pod a @linux/amd64 @linux/arm64"),
            (affinity(&format!("[{}, {{}}]", arch("[amd64]"))), "Pod a"),
            (affinity("[{matchExpressions: [{key: kubernetes.io/arch, operator: NotIn, values: [x]}]}]"), "Pod a"),
        ] {
            assert_eq!(of_pod(&spec), [expected], "{spec}");
        }
    }

    #[test]
    fn documents_lists_and_kustomizations_are_read() {
        let pod = |name: &str| format!("{{apiVersion: v1, kind: Pod, spec: {{containers: [{{image: {name}}}]}}}}");
        for (text, expected) in [
            (format!("--- {}\n--- {}\n---\n", pod("a"), pod("b")), &["Pod a", "Pod b"][..]),
            (format!("apiVersion: v1\nkind: List\nitems: [{}, {}]", pod("a"), pod("b")), &["Pod a", "Pod b"]),
            ("spec: {containers: [{image: a}]}".to_owned(), &[]),
            ("{{ .Values.x }}: 1".to_owned(), &[]),
            ("apiVersion: v1\nkind: ConfigMap\ndata: {x: \"containers: [{image: a}]\"}".to_owned(), &[]),
            (
                "kind: Kustomization\nimages: [{name: a, newTag: 1.2}, {name: b, newName: c, digest: 'sha256:0'}, {name: d, newName: e}]"
                    .to_owned(),
                &["Kustomization a:1.2", "Kustomization c@sha256:0"],
            ),
            ("resources: [a.yaml]\nimages: [{name: a, newTag: v1}]".to_owned(), &["Kustomization a:v1"]),
            (String::new(), &[]),
        ] {
            assert_eq!(read(&text), expected, "{text}");
        }
    }
}
