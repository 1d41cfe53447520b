//! Matches the keys of credential files to registries and repositories.

use std::collections::BTreeMap;

use crate::model::{DOCKER_HUB, Repository};

/// Docker's own name for Docker Hub, in its file and for its helpers
/// (<https://github.com/docker/cli/blob/master/cli/config/configfile/file.go>).
pub(super) const HUB_SERVER: &str = "https://index.docker.io/v1/";

/// Returns the name of the registry for credential helpers.
pub(super) fn server(repository: &Repository) -> &str {
    if repository.registry == DOCKER_HUB { HUB_SERVER } else { &repository.registry }
}

/// Finds the value for a repository: the longest key that matches it or a prefix of its path, then any key that matches
/// its registry (<https://github.com/containers/image/blob/main/docs/containers-auth.json.5.md>). Empty values are
/// skipped.
pub(super) fn closest<'a, V>(
    map: &'a BTreeMap<String, V>,
    repository: &Repository,
    says: impl Fn(&V) -> bool,
) -> Option<(&'a str, &'a V)> {
    let whole = repository.to_string();
    let exact = lengths(&whole).map(|length| &whole[..length]).filter_map(|key| map.get_key_value(key));
    let hub = (repository.registry == DOCKER_HUB).then(|| map.get_key_value(HUB_SERVER)).flatten();
    let registry = registry_of(&repository.registry);
    let matching = map.iter().filter(|(key, _)| registry_of(key) == registry);
    exact.chain(hub).chain(matching).find(|(_, value)| says(value)).map(|(key, value)| (key.as_str(), value))
}

/// Lists the lengths of the name's prefixes, from the whole name down to the registry.
fn lengths(name: &str) -> impl Iterator<Item = usize> {
    std::iter::successors(Some(name.len()), |length| name[..*length].rfind('/'))
}

/// Returns true if two names refer to the same server: `gitlab.com:443` is `gitlab.com`.
pub(super) fn same_server(left: &str, right: &str) -> bool {
    registry_of(left).is_some() && registry_of(left) == registry_of(right)
}

/// Returns the registry of a key; none for the key of a repository.
///
/// Old dockers wrote `https://registry.example.com/v1/`; the path of a URL is removed, as podman does.
fn registry_of(key: &str) -> Option<String> {
    let plain = key.strip_prefix("https://").or_else(|| key.strip_prefix("http://"));
    let (host, path) = plain.unwrap_or(key).split_once('/').unwrap_or((plain.unwrap_or(key), ""));
    if plain.is_none() && !matches!(path, "" | "v1" | "v1/" | "v2" | "v2/") {
        return None;
    }
    let host = host.to_ascii_lowercase();
    let host = host.strip_suffix(":443").unwrap_or(&host);
    Some(match host {
        "index.docker.io" | "registry-1.docker.io" | "registry.hub.docker.com" => DOCKER_HUB.to_owned(),
        other => other.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(keys: &[&str], name: &str) -> Option<String> {
        let map: BTreeMap<String, ()> = keys.iter().map(|key| ((*key).to_owned(), ())).collect();
        closest(&map, &name.parse().unwrap(), |()| true).map(|(key, ())| key.to_owned())
    }

    #[test]
    fn the_longest_key_that_fits_is_taken() {
        for (keys, name, expected) in [
            (&["quay.io", "quay.io/a", "quay.io/a/b"][..], "quay.io/a/b", Some("quay.io/a/b")),
            (&["quay.io", "quay.io/a"], "quay.io/a/b", Some("quay.io/a")),
            (&["quay.io", "quay.io/a"], "quay.io/ab", Some("quay.io")),
            (&["quay.io/a"], "quay.io/ab", None),
            (&["quay.io/a"], "quay.io/b", None),
            (&["quay.io"], "quay.io.example.com/b", None),
            (&["quay.io"], "quay.io:8443/b", None),
            (&["localhost:5000"], "localhost:5000/b", Some("localhost:5000")),
            (&["localhost:5000"], "localhost:5001/b", None),
            (&["gitlab.com:443"], "gitlab.com/b", Some("gitlab.com:443")),
            (&["gitlab.com"], "gitlab.com:443/b", Some("gitlab.com")),
            (&["https://quay.io"], "quay.io/a", Some("https://quay.io")),
            (&["https://quay.io/v1/"], "quay.io/a", Some("https://quay.io/v1/")),
            (&["http://localhost:5000/v2/"], "localhost:5000/a", Some("http://localhost:5000/v2/")),
            (&["quay.io/v2/"], "quay.io/a", Some("quay.io/v2/")),
            (&["QUAY.IO"], "quay.io/a", Some("QUAY.IO")),
            (&["https://user@quay.io"], "quay.io/a", None),
        ] {
            assert_eq!(found(keys, name).as_deref(), expected, "{name} in {keys:?}");
        }
    }

    #[test]
    fn docker_hub_has_many_names() {
        let tokens = &["https://index.docker.io/v1/", "https://index.docker.io/v1/access-token"][..];
        for (keys, expected) in [
            (tokens, Some("https://index.docker.io/v1/")),
            (&["docker.io", "https://index.docker.io/v1/"], Some("docker.io")),
            (&["docker.io/library", "docker.io"], Some("docker.io/library")),
            (&["index.docker.io"], Some("index.docker.io")),
            (&["https://registry-1.docker.io"], Some("https://registry-1.docker.io")),
            (&["docker.com"], None),
        ] {
            assert_eq!(found(keys, "debian").as_deref(), expected, "{keys:?}");
        }
        assert_eq!(server(&"debian".parse().unwrap()), HUB_SERVER);
        assert_eq!(server(&"localhost:5000/a".parse().unwrap()), "localhost:5000");
    }

    #[test]
    fn an_empty_entry_is_passed_over() {
        let map = BTreeMap::from([("quay.io/a".to_owned(), false), ("https://quay.io".to_owned(), true)]);
        let found = closest(&map, &"quay.io/a/b".parse().unwrap(), |value| *value);
        assert_eq!(found, Some(("https://quay.io", &true)));
    }
}
