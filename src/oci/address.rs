//! Parses the addresses of requests to registries.

use url::Url;

use crate::model::{DOCKER_HUB, Repository};

/// The server of `docker.io`.
pub(super) const HUB_SERVER: &str = "registry-1.docker.io";

/// The parts of an address of the registry API.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct RegistryPath {
    /// The repository; none for requests to the registry itself.
    pub(super) repository: Option<Repository>,
}

/// Parses an address of the registry API: `https://ghcr.io/v2/a/b/manifests/latest`; none for other addresses.
pub(super) fn registry_path(url: &Url) -> Option<RegistryPath> {
    let path = url.path().strip_prefix("/v2/")?;
    let host = match (url.host_str()?, url.port()) {
        (HUB_SERVER, None) => DOCKER_HUB.to_owned(),
        (host, Some(port)) => format!("{host}:{port}"),
        (host, None) => host.to_owned(),
    };
    let name = ["/manifests/", "/blobs/", "/tags/"].iter().filter_map(|part| path.rfind(part)).max();
    let repository = name.and_then(|end| format!("{host}/{}", &path[..end]).parse().ok());
    Some(RegistryPath { repository })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_say_which_repository_they_are_about() {
        for (url, expected) in [
            ("https://ghcr.io/v2/a/b/manifests/latest", Some(Some("ghcr.io/a/b"))),
            ("https://registry-1.docker.io/v2/library/debian/tags/list?n=3", Some(Some("docker.io/library/debian"))),
            ("http://127.0.0.1:5000/v2/app/blobs/sha256:00", Some(Some("127.0.0.1:5000/app"))),
            ("https://r.example/v2/blobs/blobs/uploads/1", Some(Some("r.example/blobs"))),
            ("https://r.example/v2/", Some(None)),
            ("https://r.example/v2/A/manifests/x", Some(None)),
            ("https://go.dev/dl/", None),
        ] {
            let found = registry_path(&url.parse().unwrap());
            let told = found.map(|path| path.repository.map(|repository| repository.to_string()));
            assert_eq!(told, expected.map(|name| name.map(str::to_owned)), "{url}");
        }
    }
}
