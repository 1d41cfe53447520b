use std::collections::BTreeMap;

use super::*;

struct World {
    folder: tempfile::TempDir,
    vars: BTreeMap<String, String>,
}

impl World {
    /// Makes a world with these files; a name with `/` at its end is a folder.
    fn new(files: &[(&str, &str)]) -> Self {
        let world = Self { folder: tempfile::tempdir().unwrap(), vars: BTreeMap::new() };
        for (name, text) in files {
            let path = world.path(name);
            fs::create_dir_all(if name.ends_with('/') { &path } else { path.parent().unwrap() }).unwrap();
            if !name.ends_with('/') {
                fs::write(path, text).unwrap();
            }
        }
        world
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name.trim_end_matches('/'))
    }

    fn with(mut self, name: &str, folder: &str) -> Self {
        self.vars.insert(name.to_owned(), self.path(folder).display().to_string());
        self
    }

    /// Returns the folder and the boundary of the project around `cwd`, relative to the world.
    fn found(&self, cwd: &str) -> (String, String) {
        let root = Root::find(&self.host(cwd));
        let shown = |path: &Path| path.strip_prefix(self.folder.path()).unwrap().display().to_string();
        (shown(root.folder()), shown(root.boundary()))
    }

    fn host(&self, cwd: &str) -> Host {
        let mut host = Host::read().unwrap().with_vars(self.vars.clone());
        host.cwd = self.path(cwd);
        host
    }
}

fn pair(folder: &str, boundary: &str) -> (String, String) {
    (folder.to_owned(), boundary.to_owned())
}

const SUBMODULE: &str = "gitdir: ../../.git/modules/lib\n";

#[test]
fn the_nearest_toolkit_toml_or_lock_is_the_project_and_git_its_boundary() {
    let world = World::new(&[
        ("repo/.git/", ""),
        ("repo/api/toolkit.toml", ""),
        ("repo/api/src/", ""),
        ("repo/locked/toolkit.lock", ""),
        ("repo/locked/src/", ""),
        ("repo/plain/", ""),
        ("plain/toolkit.toml", ""),
        ("plain/sub/", ""),
    ]);
    for (cwd, folder, boundary) in [
        ("repo", "repo", "repo"),
        ("repo/api", "repo/api", "repo"),
        ("repo/api/src", "repo/api", "repo"),
        ("repo/locked/src", "repo/locked", "repo"),
        ("repo/plain", "repo/plain", "repo"),
        ("plain/sub", "plain", "plain"),
    ] {
        assert_eq!(world.found(cwd), pair(folder, boundary), "{cwd}");
    }
}

#[test]
fn work_trees_end_at_their_top_and_submodules_at_that_of_the_superproject() {
    let world = World::new(&[
        ("repo/.git/", ""),
        ("repo/toolkit.toml", ""),
        ("repo/deps/lib/.git", SUBMODULE),
        ("repo/deps/lib/src/", ""),
        ("repo/deps/absolute/.git", "gitdir: /elsewhere/.git/modules/deps/absolute"),
        ("other/.git/", ""),
        ("other/deps/lib/.git", SUBMODULE),
        ("other/tree/.git", "gitdir: /somewhere/.git/worktrees/tree\n"),
        ("other/tree/src/", ""),
        ("other/odd/.git", "gitdir: /somewhere/.git/modules/lib/worktrees/odd\n"),
        ("alone/.git", SUBMODULE),
        ("alone/src/", ""),
    ]);
    for (cwd, folder, boundary) in [
        ("repo/deps/lib/src", "repo", "repo"),
        ("repo/deps/absolute", "repo", "repo"),
        ("other/deps/lib", "other/deps/lib", "other"),
        ("other/tree/src", "other/tree/src", "other/tree"),
        ("other/odd", "other/odd", "other/odd"),
        ("alone/src", "alone/src", "alone"),
    ] {
        assert_eq!(world.found(cwd), pair(folder, boundary), "{cwd}");
    }
}

#[test]
fn without_git_ci_says_where_the_project_ends() {
    let files = &[("src/api/toolkit.toml", ""), ("src/web/sub/", ""), ("other/", "")];
    for name in ["CODEBUILD_SRC_DIR", "CODEBUILD_SRC_DIR_second", "CI_PROJECT_DIR", "GITHUB_WORKSPACE"] {
        let world = World::new(files).with(name, "src");
        assert_eq!(world.found("src/web/sub"), pair("src/web/sub", "src"), "{name}");
        assert_eq!(world.found("src/api"), pair("src/api", "src"), "{name}");
        assert_eq!(world.found("other"), pair("other", "other"), "{name} names another folder");
    }
    let world = World::new(files);
    assert_eq!(world.found("src/web/sub"), pair("src/web/sub", "src/web/sub"));
    // A relative value, or the root of the file system, names nothing.
    for value in ["src", "/", ""] {
        let mut world = World::new(files);
        world.vars.insert("CI_PROJECT_DIR".to_owned(), value.to_owned());
        assert_eq!(world.found("src/web"), pair("src/web", "src/web"), "{value:?}");
    }
}

#[test]
fn the_nearer_of_git_and_the_folder_of_the_job_bounds_the_project() {
    let world = World::new(&[("home/.git/", ""), ("home/job/src/.git/", ""), ("home/job/src/api/", "")]);
    let inner = world.with("CI_PROJECT_DIR", "home/job");
    assert_eq!(inner.found("home/job/src/api").1, "home/job/src");
    let world = World::new(&[("home/.git/", ""), ("home/job/api/", "")]).with("CI_PROJECT_DIR", "home/job");
    assert_eq!(world.found("home/job/api").1, "home/job");
}

#[test]
fn a_named_file_is_bounded_by_the_project_that_its_name_lies_in() {
    let world = World::new(&[
        ("repository/.git/", ""),
        ("repository/sub/", ""),
        ("plain/toolkit.toml", ""),
        ("plain/sub/", ""),
        ("none/", ""),
    ]);
    let (repository, plain, none) = (world.path("repository"), world.path("plain"), world.path("none"));
    for (path, cwd, expected) in [
        ("go.mod", "repository/sub", Within::Folder(&repository)),
        ("../go.mod", "repository/sub", Within::Folder(&repository)),
        ("../../go.mod", "repository/sub", Within::Anywhere),
        ("/etc/os-release", "repository/sub", Within::Anywhere),
        ("go.mod", "plain/sub", Within::Folder(&plain)),
        ("../../secret", "plain/sub", Within::Anywhere),
        ("x", "none", Within::Folder(&none)),
    ] {
        let host = world.host(cwd);
        assert_eq!(Root::find(&host).within(Path::new(path), &host.cwd), expected, "{path} in {cwd}");
    }
    assert_eq!(boundary(&world.path("repository/sub")), repository);
    assert_eq!(boundary(&plain), plain);
}

#[cfg(unix)]
#[test]
fn a_folder_of_a_job_is_found_by_another_path_to_it() {
    let mut world = World::new(&[("real/src/api/", "")]);
    std::os::unix::fs::symlink("real", world.path("link")).unwrap();
    world = world.with("CODEBUILD_SRC_DIR", "link/src");
    assert_eq!(world.found("real/src/api").1, "real/src");
}
