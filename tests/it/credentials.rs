//! Credentials for registries: every source, their order, and what is said when one is broken.

#[cfg(feature = "aws")]
mod amazon;
mod command;

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use toolkit::host::Host;
use toolkit::model::Explain;
use toolkit::oci::credentials::{Credential, Error, Found, keychain};

use crate::faults::{client, hasty, wait_for};
use crate::support::upstream::Upstream;

/// A home and a `PATH` that vanish with the test, and the variables that go with them.
struct Machine {
    folder: TempDir,
    vars: Vec<(String, String)>,
}

impl Machine {
    fn new() -> Self {
        let machine = Self { folder: tempfile::tempdir().unwrap(), vars: Vec::new() };
        let (home, session) = (machine.path("home"), machine.path("session"));
        let machine = machine.with("HOME", home.to_str().unwrap());
        machine.with("XDG_RUNTIME_DIR", session.to_str().unwrap())
    }

    fn with(mut self, name: &str, value: &str) -> Self {
        self.vars.push((name.to_owned(), value.to_owned()));
        self
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    /// Installs a helper program that answers with its own name, and writes down that it ran.
    fn helper(&self, name: &str) {
        let log = self.path("started");
        let script = format!(
            "#!/bin/sh\necho {name} $(cat) >> '{}'\necho '{{\"Username\":\"{name}\",\"Secret\":\"s\"}}'\n",
            log.display()
        );
        let source = self.write("script", &script);
        let target = self.path(&format!("bin/docker-credential-{name}"));
        let status = std::process::Command::new("install").args(["-D", "-m", "755"]).arg(source).arg(target).status();
        assert!(status.unwrap().success());
    }

    fn started(&self) -> String {
        fs::read_to_string(self.path("started")).unwrap_or_default()
    }

    fn find(&self, repository: &str) -> Result<Option<Found>, Error> {
        let search_path = std::env::join_paths([self.path("bin").as_path(), Path::new("/usr/bin"), Path::new("/bin")]);
        let mut host = Host::read().unwrap().with_vars(self.vars.clone());
        host.search_path = Some(search_path.unwrap());
        host.cwd = self.folder.path().to_owned();
        let keychain = keychain(&host, &client(hasty()).0);
        wait_for(keychain.find(&repository.parse().unwrap()))
    }

    /// Names the user that is found, and where: `alice of config.json`.
    fn user(&self, repository: &str) -> Option<String> {
        let Found { credential, source } = self.find(repository).unwrap()?;
        let Credential::Basic { user, .. } = credential else { panic!("{credential:?}") };
        Some(format!("{user} of {}", source.rsplit('/').next().unwrap()))
    }
}

/// A file with one entry whose password is `p`.
fn auths(registry: &str, user: &str) -> String {
    format!(r#"{{"auths": {{"{registry}": {{"username": "{user}", "password": "p"}}}}}}"#)
}

#[test]
fn nobody_knows_anything_on_a_fresh_machine() {
    assert_eq!(Machine::new().find("ghcr.io/a/b").unwrap(), None);
    let lost = Machine { folder: tempfile::tempdir().unwrap(), vars: Vec::new() };
    assert_eq!(lost.find("registry.invalid/a").unwrap(), None);
}

#[test]
fn files_are_asked_in_the_order_of_podman() {
    let mut machine = Machine::new();
    for (name, user) in [
        ("home/.docker/config.json", "docker"),
        ("home/.config/containers/auth.json", "podman"),
        ("session/containers/auth.json", "session"),
    ] {
        assert_ne!(machine.user("ghcr.io/a").as_deref().map(|found| found.starts_with(user)), Some(true));
        machine.write(name, &auths("ghcr.io", user));
        let file = name.rsplit('/').next().unwrap();
        assert_eq!(machine.user("ghcr.io/a"), Some(format!("{user} of {file}")));
    }
    machine = machine.with("DOCKER_AUTH_CONFIG", &auths("ghcr.io", "variable"));
    assert_eq!(machine.user("ghcr.io/a").unwrap(), "variable of DOCKER_AUTH_CONFIG");
    // Alone, even where it knows nothing, and from the current folder.
    machine.write("own.json", &auths("quay.io", "own"));
    machine = machine.with("REGISTRY_AUTH_FILE", "own.json");
    assert_eq!(machine.user("ghcr.io/a"), None);
    assert_eq!(machine.user("quay.io/a").unwrap(), "own of own.json");
    assert_eq!(machine.with("REGISTRY_AUTH_FILE", "absent.json").user("quay.io/a"), None);
}

#[test]
fn folders_of_files_can_be_elsewhere() {
    let machine = Machine::new();
    let elsewhere = machine.path("elsewhere");
    let machine = machine.with("DOCKER_CONFIG", elsewhere.to_str().unwrap());
    machine.write("home/.docker/config.json", &auths("ghcr.io", "home"));
    assert_eq!(machine.user("ghcr.io/a"), None);
    machine.write("elsewhere/config.json", &auths("ghcr.io", "docker"));
    assert_eq!(machine.user("ghcr.io/a").unwrap(), "docker of config.json");
    let machine = machine.with("XDG_CONFIG_HOME", elsewhere.to_str().unwrap());
    machine.write("elsewhere/containers/auth.json", &auths("ghcr.io", "podman"));
    assert_eq!(machine.user("ghcr.io/a").unwrap(), "podman of auth.json");
}

#[test]
fn a_file_that_does_not_know_the_registry_leaves_it_to_the_next() {
    let machine = Machine::new();
    machine.write("session/containers/auth.json", r#"{"auths": {"ghcr.io": {}, "quay.io/other": {"auth": "YTpi"}}}"#);
    machine.write("home/.docker/config.json", &auths("ghcr.io", "docker"));
    assert_eq!(machine.user("ghcr.io/a").unwrap(), "docker of config.json");
    assert_eq!(machine.user("quay.io/a"), None);
    assert_eq!(machine.user("quay.io/other/a").unwrap(), "a of auth.json");
}

#[test]
fn what_skopeo_writes_is_read() {
    let machine = Machine::new();
    let registry = Upstream::new();
    fs::create_dir(machine.path("session")).unwrap();
    registry.file("/v2/", "{}");
    let login = |to: &str, user: &str| {
        let mut command = std::process::Command::new("skopeo");
        command.args(["login", "--tls-verify=false", "--username", user, "--password", "a:b c", to]);
        command.env_clear().env("PATH", "/usr/bin:/bin").envs(machine.vars.iter().map(|(name, value)| (name, value)));
        command.output()
    };
    let host = registry.host();
    let Ok(first) = login(&host, "alice") else {
        eprintln!("SKIPPED what_skopeo_writes_is_read: this machine has no skopeo");
        return;
    };
    assert!(first.status.success(), "{first:?}");
    assert!(login(&format!("{host}/group/app"), "bob").unwrap().status.success());
    for (name, expected) in [("group/app", "bob"), ("group/app/more", "bob"), ("group", "alice"), ("group/ap", "alice")]
    {
        let found = machine.find(&format!("{host}/{name}")).unwrap().unwrap();
        let Credential::Basic { user, password } = found.credential else { panic!("{found:?}") };
        assert_eq!((user.as_str(), password.reveal()), (expected, "a:b c"), "{name}");
    }
}

#[test]
#[cfg(not(feature = "aws"))]
fn a_binary_without_aws_says_so_for_private_registries_of_ecr() {
    let machine = Machine::new();
    let private = "111122223333.dkr.ecr.eu-central-1.amazonaws.com";
    assert!(matches!(machine.find(&format!("{private}/app")).unwrap_err(), Error::Amazon(_)));
    assert_eq!(machine.find("public.ecr.aws/docker/library/debian").unwrap(), None);
    machine.write("home/.docker/config.json", &auths(private, "AWS"));
    assert_eq!(machine.user(&format!("{private}/app")).unwrap(), "AWS of config.json");
}

#[test]
fn helper_programs_are_run_as_the_file_says() {
    let machine = Machine::new();
    ["own", "store"].iter().for_each(|name| machine.helper(name));
    let text = r#"{"auths": {"quay.io": {"auth": "YTpi"}}, "credHelpers": {"ghcr.io": "own"}, "credsStore": "store"}"#;
    machine.write("home/.docker/config.json", text);
    assert_eq!(machine.user("ghcr.io/a").unwrap(), "own of docker-credential-own");
    assert_eq!(machine.user("quay.io/a").unwrap(), "a of config.json");
    assert_eq!(machine.user("debian").unwrap(), "store of docker-credential-store");
    assert_eq!(machine.started(), "own ghcr.io\nstore https://index.docker.io/v1/\n");
}

#[test]
fn what_a_pipeline_or_a_project_sets_starts_no_program() {
    let machine =
        Machine::new().with("DOCKER_AUTH_CONFIG", r#"{"credHelpers": {"ghcr.io": "own"}, "credsStore": "own"}"#);
    machine.helper("own");
    machine.write("toolkit.toml", "[credentials]\ncredsStore = \"own\"\n");
    machine.write("config.json", r#"{"credsStore": "own"}"#);
    machine.write(".docker/config.json", r#"{"credsStore": "own"}"#);
    assert_eq!(machine.find("ghcr.io/a").unwrap(), None);
    assert_eq!(machine.started(), "");
}

#[test]
fn a_name_with_a_slash_starts_no_program() {
    let machine = Machine::new();
    machine.helper("own");
    for name in ["x/../docker-credential-own", "../bin/docker-credential-own", "own/", "/bin/sh"] {
        machine.write("home/.docker/config.json", &format!(r#"{{"credsStore": "{name}"}}"#));
        let error = machine.find("ghcr.io/a").unwrap_err();
        assert!(matches!(error, Error::HelperName { .. }), "{error:?}");
    }
    assert_eq!(machine.started(), "");
}

#[test]
fn broken_files_are_named_with_their_line() {
    let machine = Machine::new();
    let file = machine.write("home/.docker/config.json", "{\n  \"auths\": {\n    \"ghcr.io\": \"SECRET\"\n  }\n}");
    let error = machine.find("ghcr.io/a").unwrap_err();
    let printed = format!("{error} {error:?} {:?}", error.hints());
    assert!(printed.contains("line 3") && printed.contains(file.to_str().unwrap()), "{printed}");
    assert!(!printed.contains("SECRET"), "{printed}");
    fs::write(&file, vec![b' '; (1 << 20) + 1]).unwrap();
    assert!(matches!(machine.find("ghcr.io/a").unwrap_err(), Error::FileTooLarge { .. }));
    fs::remove_file(&file).unwrap();
    fs::create_dir(&file).unwrap();
    assert!(matches!(machine.find("ghcr.io/a").unwrap_err(), Error::FileUnreadable { .. }));
    fs::remove_dir(&file).unwrap();
    // Opening it would wait for somebody who writes.
    let status = std::process::Command::new("mkfifo").arg(&file).status();
    assert!(status.unwrap().success());
    assert!(matches!(machine.find("ghcr.io/a").unwrap_err(), Error::FileUnreadable { .. }));
}

#[test]
fn a_job_of_gitlab_knows_its_registry_and_no_other() {
    let job = || {
        Machine::new()
            .with("CI_REGISTRY", "registry.example.com:5050")
            .with("CI_JOB_TOKEN", "job")
            .with("CI_DEPENDENCY_PROXY_SERVER", "gitlab.example.com:443")
            .with("CI_DEPENDENCY_PROXY_USER", "proxy")
            .with("CI_DEPENDENCY_PROXY_PASSWORD", "p")
    };
    let own = "registry.example.com:5050/group/app";
    assert_eq!(job().user(own).unwrap(), "gitlab-ci-token of CI_JOB_TOKEN");
    let full = || job().with("CI_REGISTRY_USER", "robot").with("CI_REGISTRY_PASSWORD", "p");
    assert_eq!(full().user(own).unwrap(), "robot of CI_REGISTRY_PASSWORD");
    for (repository, expected) in [
        (
            "gitlab.example.com:443/group/dependency_proxy/containers/debian",
            Some("proxy of CI_DEPENDENCY_PROXY_PASSWORD"),
        ),
        ("gitlab.example.com/group/dependency_proxy/containers/debian", Some("proxy of CI_DEPENDENCY_PROXY_PASSWORD")),
        ("registry.example.com/group/app", None),
        ("registry.example.com:5051/group/app", None),
        ("registry.example.com.evil.example:5050/group/app", None),
        ("debian", None),
    ] {
        assert_eq!(full().user(repository).as_deref(), expected, "{repository}");
    }
    let without_password = Machine::new().with("CI_REGISTRY", "registry.example.com").with("CI_REGISTRY_USER", "robot");
    assert_eq!(without_password.user("registry.example.com/a"), None);
    // What somebody logged in to counts more than what every job has.
    let machine = full();
    machine.write("home/.docker/config.json", &auths("registry.example.com:5050", "deployer"));
    assert_eq!(machine.user(own).unwrap(), "deployer of config.json");
}
