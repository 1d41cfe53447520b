//! What `gen runner` writes: only what the chart, Karpenter and GitLab Runner know, and no token.

use std::collections::BTreeMap;
use std::path::Path;

use serde_yaml::Value;

use crate::support::world::World;

const PROJECT: &str = "[pipeline]\narchitectures = [\"amd64\", \"arm64\"]\ntimeout = \"90 minutes\"\n\
     [pipeline.runner]\ncluster = \"builds\"\nnode-role = \"KarpenterNodeRole-builds\"\nimage = \"alpine:3.22\"\n";
const FULL: &str = "cache-bucket = \"builds-cache\"\nconcurrent = 20\nami = \"bottlerocket@1.50.0\"\nspot = false\n\
     requests = { cpu = \"500m\", memory = \"1Gi\", ephemeral-storage = \"10Gi\" }\n[pipeline.aws]\nregion = \"eu-central-1\"\n";

/// Makes the files of a project.
fn made(toml: &str) -> BTreeMap<String, String> {
    let world = World::new();
    world.write("toolkit.toml", toml);
    world.ok(&["gen", "runner"]);
    let entries = std::fs::read_dir(world.project().join("runner")).unwrap();
    let read = |name: String| (name.clone(), world.read(&format!("runner/{name}")));
    entries.map(|entry| read(entry.unwrap().file_name().into_string().unwrap())).collect()
}

/// Lists the paths of keys below a value; lists do not count.
fn paths(value: &serde_json::Value, prefix: &str, found: &mut Vec<String>) {
    match value {
        serde_json::Value::Object(map) => {
            for (key, value) in map {
                paths(value, &if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") }, found);
            }
        }
        serde_json::Value::Array(items) if items.iter().any(serde_json::Value::is_object) => {
            items.iter().for_each(|item| paths(item, prefix, found));
        }
        _ => found.push(prefix.to_owned()),
    }
}

fn assert_known(value: &serde_json::Value, list: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/gen").join(list);
    let text = std::fs::read_to_string(path).unwrap();
    let mut found = Vec::new();
    paths(value, "", &mut found);
    assert!(found.len() > 5, "{found:?}");
    for path in found {
        let known = text
            .lines()
            .any(|line| line == path || line.strip_suffix('*').is_some_and(|start| path.starts_with(start)));
        assert!(known, "{list} does not know {path}");
    }
}

fn yaml(text: &str) -> serde_json::Value {
    serde_json::to_value(serde_yaml::from_str::<Value>(text).unwrap()).unwrap()
}

fn config(files: &BTreeMap<String, String>, architecture: &str) -> serde_json::Value {
    let values = yaml(&files[&format!("values-{architecture}.yaml")]);
    let table: toml::Table = toml::from_str(values["runners"]["config"].as_str().unwrap()).unwrap();
    serde_json::to_value(table).unwrap()
}

#[test]
fn only_keys_that_their_readers_have_are_written() {
    for toml in [PROJECT.to_owned(), format!("{PROJECT}{FULL}")] {
        let files = made(&toml);
        assert_eq!(files.len(), 6);
        assert_known(&yaml(&files["nodeclass.yaml"]), "ec2nodeclass.txt");
        for architecture in ["amd64", "arm64"] {
            assert_known(&yaml(&files[&format!("nodepool-{architecture}.yaml")]), "nodepool.txt");
            assert_known(&yaml(&files[&format!("values-{architecture}.yaml")]), "chart-values.txt");
            assert_known(&config(&files, architecture), "config-toml.txt");
        }
    }
}

#[test]
fn jobs_reach_the_machines_of_their_architecture_and_nothing_else_does() {
    let files = made(&format!("{PROJECT}{FULL}"));
    for architecture in ["amd64", "arm64"] {
        let kubernetes = &config(&files, architecture)["runners"][0]["kubernetes"];
        assert_eq!(kubernetes["node_selector"]["kubernetes.io/arch"], architecture);
        assert_eq!(kubernetes["pod_annotations"]["karpenter.sh/do-not-disrupt"], "true");
        assert_eq!(kubernetes["cpu_request"], "500m");
        let spec = &yaml(&files[&format!("nodepool-{architecture}.yaml")])["spec"];
        let taint = &spec["template"]["spec"]["taints"][0];
        let tolerated = format!("{}={}", taint["key"].as_str().unwrap(), taint["value"].as_str().unwrap());
        assert_eq!(kubernetes["node_tolerations"][tolerated], taint["effect"]);
        assert_eq!(spec["disruption"]["consolidationPolicy"], "WhenEmpty");
        assert_eq!(spec["template"]["spec"]["terminationGracePeriod"], "90m");
        // 20 jobs of half a processor, twice.
        assert_eq!(spec["limits"]["cpu"], "20");
    }
}

#[test]
fn no_token_and_nothing_obsolete_is_written() {
    for (name, text) in made(&format!("{PROJECT}{FULL}")) {
        for word in
            ["glrt-", "registrationToken", "RegistrationToken", "runnerToken", "Provisioner", "v1alpha", "v1beta", "{{"]
        {
            assert!(!text.contains(word), "{name} has {word}");
        }
    }
}

#[test]
fn what_kubernetes_would_not_take_is_refused_by_its_key() {
    for (line, key) in [
        ("namespace = \"A b\"", "pipeline.runner.namespace"),
        ("requests = { cpu = \"two\" }", "pipeline.runner.requests.cpu"),
        ("requests = { gpu = \"1\" }", "pipeline.runner.requests"),
        ("chart = \"latest\"", "pipeline.runner.chart"),
        ("folder = \"../x\"", "pipeline.runner.folder"),
        ("ami = \"al2@latest\"", "pipeline.runner.ami"),
        ("cache-bucket = \"builds-cache\"", "pipeline.aws.region"),
        ("url = \"https://user:secret@gitlab.example\"", "pipeline.runner.url"),
        ("concurrent = 0", "pipeline.runner.concurrent"),
    ] {
        let world = World::new();
        world.write("toolkit.toml", &format!("{PROJECT}{line}\n"));
        let said = world.fails(2, &["gen", "runner"]);
        assert!(said.contains(key), "{line}: {said}");
        assert!(!world.project().join("runner").exists());
    }
}
