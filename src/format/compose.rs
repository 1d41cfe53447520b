//! Compose files, as far as images are concerned (<https://github.com/compose-spec/compose-spec/blob/main/spec.md>).
//! Never fails: what is not a service is left out, and variables are kept as written.

use super::variables::Syntax;
use super::yaml::{Node, Tree};

/// The variable syntax of compose files (<https://docs.docker.com/reference/compose-file/interpolation/>).
pub const SYNTAX: Syntax = Syntax { escape: None, doubled: true, quotes: false, operators: true };

/// The default name of a build's Dockerfile.
pub const DOCKERFILE: &str = "Dockerfile";

/// A service.
#[derive(Debug)]
pub struct Service<'a> {
    /// Its name.
    pub name: &'a str,
    /// The image that it runs; with `build`, the image that is built.
    pub image: Option<&'a Node>,
    /// The platform that it runs on, if the file names one.
    pub platform: Option<&'a Node>,
    /// How its image is built.
    pub build: Option<Build<'a>>,
    /// Whether its image comes from a service in another file.
    pub elsewhere: bool,
}

/// `build` of a service.
#[derive(Debug)]
pub struct Build<'a> {
    /// Its node.
    pub node: &'a Node,
    /// The directory or URL, as written. None is the directory of the compose file.
    pub context: Option<&'a Node>,
    /// The path of the Dockerfile, relative to the context.
    pub dockerfile: Option<&'a Node>,
    /// The Dockerfile itself.
    pub inline: Option<&'a Node>,
    /// Its arguments; without a value, they come from the environment.
    pub args: Vec<(&'a str, Option<&'a str>)>,
    /// Replacements of names in the Dockerfile.
    pub contexts: Vec<(&'a str, &'a str)>,
    /// The platforms that are built for.
    pub platforms: Vec<&'a Node>,
}

/// Returns true if a document is a compose file, by its keys.
#[must_use]
pub fn is_compose(root: &Node) -> bool {
    let service = |node: &Node| ["image", "build", "extends"].iter().any(|key| node.get(key).is_some());
    let services = root.get("services").and_then(Node::entries);
    services.is_some_and(|entries| entries.iter().any(|entry| service(&entry.value)))
}

/// Lists the services of a file.
#[must_use]
pub fn services(tree: &Tree) -> Vec<Service<'_>> {
    let roots = tree.documents.iter().filter_map(|root| Some((root, root.get("services")?.entries()?)));
    let mut found = Vec::new();
    for (root, entries) in roots {
        for entry in entries.iter().filter(|entry| !entry.is_merge()) {
            let Some(name) = entry.key.text().filter(|_| entry.value.entries().is_some()) else { continue };
            found.push(service(root, name, &entry.value));
        }
    }
    found
}

/// Lists the files that a file includes, as written.
#[must_use]
pub fn includes(tree: &Tree) -> Vec<&Node> {
    let items = tree.documents.iter().filter_map(|root| root.get("include")?.items()).flatten();
    let mut found = Vec::new();
    for item in items {
        let path = if item.text().is_some() { Some(item) } else { item.get("path") };
        match path.and_then(Node::items) {
            Some(list) => found.extend(list),
            None => found.extend(path),
        }
    }
    found
}

fn service<'a>(root: &'a Node, name: &'a str, body: &'a Node) -> Service<'a> {
    let (bodies, elsewhere) = chain(root, body);
    let find = |key: &str| bodies.iter().find_map(|body| body.get(key)).filter(|node| !node.is_null());
    let image = find("image").filter(|node| node.text().is_some());
    let platform = find("platform").filter(|node| node.text().is_some());
    Service { name, image, platform, build: find("build").map(build), elsewhere: elsewhere && image.is_none() }
}

/// Returns the body of a service and of those that it extends in this file, and whether one is in another file.
fn chain<'a>(root: &'a Node, body: &'a Node) -> (Vec<&'a Node>, bool) {
    let mut bodies = vec![body];
    while let Some(extends) = bodies.last().and_then(|body| body.get("extends")) {
        if extends.get("file").is_some() {
            return (bodies, true);
        }
        let name = extends.text().or_else(|| extends.get("service")?.text());
        let parent = name.and_then(|name| root.get("services")?.get(name));
        match parent {
            // Stops circles and excessively long chains.
            Some(parent) if bodies.len() < 100 && !bodies.iter().any(|known| known.span == parent.span) => {
                bodies.push(parent);
            }
            _ => break,
        }
    }
    (bodies, false)
}

fn build(node: &Node) -> Build<'_> {
    if node.text().is_some() {
        return Build {
            node,
            context: Some(node),
            dockerfile: None,
            inline: None,
            args: Vec::new(),
            contexts: Vec::new(),
            platforms: Vec::new(),
        };
    }
    let contexts = pairs(node.get("additional_contexts"));
    Build {
        node,
        context: node.get("context").filter(|node| node.text().is_some()),
        dockerfile: node.get("dockerfile").filter(|node| node.text().is_some()),
        inline: node.get("dockerfile_inline").filter(|node| node.text().is_some()),
        args: pairs(node.get("args")),
        contexts: contexts.into_iter().filter_map(|(name, value)| Some((name, value?))).collect(),
        platforms: node.get("platforms").and_then(Node::items).unwrap_or_default().iter().collect(),
    }
}

/// Reads a map, or a list of `NAME=value`.
fn pairs(node: Option<&Node>) -> Vec<(&str, Option<&str>)> {
    let Some(node) = node else { return Vec::new() };
    let listed =
        node.items().unwrap_or_default().iter().filter_map(Node::text).map(|text| match text.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (text, None),
        });
    let mapped = node.merged().into_iter().chain([node]).filter_map(Node::entries).flatten();
    let mapped = mapped.filter(|entry| !entry.is_merge()).filter_map(|entry| {
        let value = (!entry.value.is_null()).then(|| entry.value.text()).flatten();
        Some((entry.key.text()?, value))
    });
    listed.chain(mapped).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::yaml::parse;

    /// Lists the services: name, image, `@platform`, how it is built, `elsewhere`.
    fn read(text: &str) -> Vec<String> {
        let tree = parse(text).unwrap();
        let said = |node: Option<&Node>, sign: &str| {
            node.and_then(Node::text).map_or(String::new(), |text| format!(" {sign}{text}"))
        };
        let line = |service: &Service<'_>| {
            let built = service.build.as_ref().map_or(String::new(), |build| {
                let args = build.args.iter().map(|(name, value)| format!(" {name}={}", value.unwrap_or("?")));
                let contexts = build.contexts.iter().map(|(name, value)| format!(" {name}:{value}"));
                let platforms = build.platforms.iter().map(|node| format!(" @{}", node.text().unwrap()));
                let rest: String = args.chain(contexts).chain(platforms).collect();
                let (context, file) = (said(build.context, ""), said(build.dockerfile, "-f "));
                format!(" build{context}{file}{}{rest}", said(build.inline, "inline "))
            });
            let elsewhere = if service.elsewhere { " elsewhere" } else { "" };
            format!("{}{}{}{built}{elsewhere}", service.name, said(service.image, ""), said(service.platform, "@"))
        };
        services(&tree).iter().map(line).collect()
    }

    #[test]
    fn services_are_read_in_every_form() {
        for (text, expected) in [
            ("services: {a: {image: redis:7}}", &["a redis:7"][..]),
            ("services:\n  a:\n    image: 'x'\n    platform: linux/amd64\n", &["a x @linux/amd64"]),
            ("services: {a: {build: .}}", &["a build ."]),
            ("services: {a: {image: made:1, build: ./app}}", &["a made:1 build ./app"]),
            (
                "services: {a: {build: {context: app, dockerfile: ci/Dockerfile, args: {V: 1, W: }}}}",
                &["a build app -f ci/Dockerfile V=1 W=?"],
            ),
            ("services: {a: {build: {args: [V=1, W, X=a=b]}}}", &["a build V=1 W=? X=a=b"]),
            ("services: {a: {build: {dockerfile_inline: FROM x}}}", &["a build inline FROM x"]),
            (
                "services: {a: {build: {context: ., additional_contexts: {r: docker-image://x, s: ../s}}}}",
                &["a build . r:docker-image://x s:../s"],
            ),
            ("services: {a: {build: {additional_contexts: [r=../r]}}}", &["a build r:../r"]),
            ("services: {a: {build: {platforms: [linux/amd64, linux/arm64]}}}", &["a build @linux/amd64 @linux/arm64"]),
            ("x: &x {image: i}\nservices: {a: {<<: *x}, b: *x}", &["a i", "b i"]),
            (
                "services: {a: {image: i}, b: {extends: a}, c: {extends: {service: b}, image: j}}",
                &["a i", "b i", "c j"],
            ),
            ("services: {b: {extends: {file: o.yml, service: x}}}", &["b elsewhere"]),
            ("services: {a: {extends: b}, b: {extends: a}, c: {extends: z}}", &["a", "b", "c"]),
            ("services: {a: {image: [x]}, b: 1, c: {image: ~}}", &["a", "c"]),
            ("version: '3'\nservices:\n", &[]),
            ("a: 1\n---\nservices: {a: {image: i}}", &["a i"]),
            ("[1]", &[]),
            ("", &[]),
        ] {
            assert_eq!(read(text), expected, "{text}");
        }
    }

    #[test]
    fn other_files_are_listed() {
        let tree =
            parse("include:\n  - a.yml\n  - path: b.yml\n  - path: [c.yml, d.yml]\n  - {env_file: x}\n").unwrap();
        let names: Vec<_> = includes(&tree).into_iter().filter_map(Node::text).collect();
        assert_eq!(names, ["a.yml", "b.yml", "c.yml", "d.yml"]);
    }

    #[test]
    fn compose_files_are_recognized_by_their_keys() {
        for (text, expected) in [
            ("services: {a: {image: x}}", true),
            ("services: {a: {build: .}}", true),
            ("services: [a]", false),
            ("services: {a: {port: 1}}", false),
            ("services:", false),
            ("[services]", false),
        ] {
            assert_eq!(is_compose(&parse(text).unwrap().documents[0]), expected, "{text}");
        }
    }
}
