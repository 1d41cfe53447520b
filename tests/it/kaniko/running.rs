//! `toolkit exec kaniko`: whatever the program does to the files that it sees, the machine's stay as they are.

use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::Path;
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::FORK;
use crate::archives::made::Tar;
use crate::support::image::{self, Layer};
use crate::support::world::{Run, World};

/// How much this process may do: both ways into a root of one's own are tested wherever they are possible.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// With namespaces and mounts.
    Mounts,
    /// With CAP_SYS_CHROOT and without CAP_SYS_ADMIN, as in a usual container.
    Copies,
}

/// A world whose kaniko is a shell that runs `script.sh` of the context.
pub(super) struct Stage {
    pub(super) world: World,
    _mirror: TempDir,
}

impl Stage {
    /// None where the machine lacks what the tests need; says so.
    pub(super) fn new() -> Option<Self> {
        Self::of(Vec::new())
    }

    /// With more layers in the image.
    fn of(more: Vec<Layer>) -> Option<Self> {
        let skip = |why: &str| eprintln!("skipped: {why}, so that nothing runs in a root of its own");
        if fs::metadata("/proc/self").unwrap().uid() != 0 {
            skip("this is not root");
            return None;
        }
        let busybox = ["/usr/bin/busybox", "/bin/busybox"].into_iter().find_map(|path| fs::read(path).ok());
        // A dynamic one names its loader.
        let Some(busybox) = busybox.filter(|bytes| !bytes.windows(9).any(|part| part == b"/ld-linux")) else {
            skip("no static busybox is installed (Debian: busybox-static)");
            return None;
        };
        let executor = "#!/busybox/busybox sh\nexport PATH=/busybox\n. /workspace/script.sh\n";
        let mut layer =
            Tar::new().mode(0o755).file("kaniko/executor", executor.as_bytes()).file("busybox/busybox", &busybox);
        for applet in [
            "rm", "cat", "ls", "mkdir", "sleep", "id", "stat", "ln", "env", "kill", "touch", "find", "head", "grep",
            "mknod", "chown", "chmod", "chroot", "umount", "mount", "cp",
        ] {
            layer = layer.hard_link(&format!("busybox/{applet}"), "busybox/busybox");
        }
        let layer = layer
            .mode(0o644)
            .file("kaniko/ssl/certs/ca-certificates.crt", b"image")
            .file("etc/passwd", b"root:x:0:0::/root:\n");
        let mirror = tempfile::tempdir().unwrap();
        let layers: Vec<Layer> = [Layer::gzip(layer.end())].into_iter().chain(more).collect();
        image::mirrored(
            mirror.path(),
            FORK,
            &[("v1.0.0", vec![("linux/amd64", layers.clone()), ("linux/arm64", layers)])],
        );
        let world = World::new().with("TOOLKIT_MIRROR", mirror.path().to_str().unwrap());
        world.ok(&["install", "kaniko@1.0.0"]);
        Some(Self { world, _mirror: mirror })
    }

    fn with(mut self, name: &str, value: &str) -> Self {
        self.world = self.world.with(name, value);
        self
    }

    /// Returns `toolkit exec kaniko -- ARGUMENTS` where the program is this script.
    pub(super) fn command(&self, mode: Mode, script: &str, arguments: &[&str]) -> Command {
        self.world.write("context/script.sh", script);
        let plain = self.world.command(&[]);
        let mut command = match mode {
            Mode::Mounts => Command::new(plain.get_program()),
            Mode::Copies => {
                let mut command = Command::new("setpriv");
                command.args(["--bounding-set", "-sys_admin"]).arg(plain.get_program());
                command
            }
        };
        command.env_clear().current_dir(self.world.project()).stdin(Stdio::null());
        command.envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command.args(["exec", "kaniko@1.0.0", "--"]).args(arguments);
        command
    }

    pub(super) fn run(&self, mode: Mode, script: &str, arguments: &[&str]) -> Run {
        let run = Run::of(&self.command(mode, script, arguments).output().unwrap());
        assert!(self.rooms().is_empty(), "{mode:?}: the private copy was left behind: {:?}", self.rooms());
        run
    }

    /// Lists the private folders that are there.
    pub(super) fn rooms(&self) -> Vec<String> {
        let staging = fs::read_dir(self.world.store().join("staging"));
        staging.map_or(Vec::new(), |entries| {
            entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect()
        })
    }
}

/// Lists what a program that breaks out would change: names, sizes and times of the machine's files, and its mounts.
fn machine() -> Vec<String> {
    let mut lines: Vec<String> =
        fs::read_dir("/").unwrap().map(|entry| entry.unwrap().path().display().to_string()).collect();
    let mut folders = vec!["/etc".into(), "/usr/bin".into(), "/usr/sbin".into(), "/opt".into(), "/dev".into()];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = fs::read_dir::<&std::path::PathBuf>(&folder) else { continue };
        for entry in entries.flatten() {
            let Ok(data) = entry.path().symlink_metadata() else { continue };
            let changing = entry.path().starts_with("/dev");
            let time = if changing { 0 } else { data.mtime() };
            let size = if changing { 0 } else { data.len() };
            if !entry.path().starts_with("/dev/pts") && !entry.path().starts_with("/dev/shm") {
                lines.push(format!("{} {size} {time}", entry.path().display()));
            }
            if data.is_dir() && !changing {
                folders.push(entry.path());
            }
        }
    }
    lines.extend(fs::read_to_string("/proc/self/mountinfo").unwrap().lines().map(str::to_owned));
    lines.sort();
    lines
}

pub(super) const MODES: [Mode; 2] = [Mode::Mounts, Mode::Copies];

#[test]
fn a_program_that_deletes_all_it_can_see_leaves_the_machine_untouched() {
    let Some(stage) = Stage::new() else { return };
    stage.world.write("context/Dockerfile", "FROM scratch\n");
    stage.world.write("context/deep/er/file", "x");
    symlink("/etc", stage.world.project().join("context/etc")).unwrap();
    stage.world.write("precious", "x");
    let script = "rm -rf /kaniko /etc /workspace /proc /dev /tmp /root /usr /lib /var /home /busybox/ls 2>/dev/null\n\
                  cd / && rm -rf -- * .[!.]* ../* 2>/dev/null\n\
                  for left in /*; do case $left in /proc|/dev|/workspace|/etc|/busybox|'/*') ;; *) echo \"left: $left\";; esac; done\n\
                  echo deleted; exit 0\n";
    for mode in MODES {
        let (before, store) = (machine(), stage.world.store_listing());
        let project = contents(&stage.world.project());
        let run = stage.run(mode, script, &["--context", "context"]);
        assert_eq!(run.code, Some(0), "{mode:?}: {run:?}");
        assert_eq!(run.stdout, "deleted\n", "{mode:?}");
        let mut after = contents(&stage.world.project());
        after.retain(|line| !line.starts_with("context/script.sh"));
        let mut wanted = project;
        wanted.retain(|line| !line.starts_with("context/script.sh"));
        assert_eq!(after, wanted, "{mode:?}");
        assert_eq!(stage.world.store_listing(), store, "{mode:?}");
        assert_eq!(machine(), before, "{mode:?}");
        stage.world.ok(&["verify", "kaniko"]);
    }
}

#[test]
fn where_mounts_are_allowed_the_machines_processes_are_out_of_sight_and_the_context_is_no_copy() {
    let Some(stage) = Stage::new() else { return };
    let script = "echo $$; ls -d /proc/[0-9]* | head -1; echo x > /workspace/new\n";
    let run = stage.run(Mode::Mounts, script, &["--context=context"]);
    if !run.stderr.contains("Read-only file system") {
        eprintln!("skipped: root may not mount here, so that the context is a copy: {run:?}");
        return;
    }
    assert!(run.stdout.starts_with("2\n/proc/1\n"), "{run:?}");
    let run = stage.run(Mode::Copies, script, &["--context=context"]);
    assert!(run.code == Some(0) && !run.stderr.contains("Read-only"), "a copy can be written to: {run:?}");
}

#[test]
fn a_program_sees_its_own_files_and_none_of_the_machines() {
    let Some(stage) = Stage::new() else { return };
    fs::write(stage.world.project().join("secret"), "of the machine").unwrap();
    let secret = stage.world.project().join("secret").display().to_string();
    let script = format!(
        "cat {secret} /proc/1/root{secret} /proc/self/root{secret} ../../../../../..{secret} /proc/*/root{secret} /proc/*/cwd/secret\n\
         for each in /proc/[0-9]*/root; do ls $each/; done\n\
         touch /kaniko/written && ls /\n"
    );
    for mode in MODES {
        let run = stage.run(mode, &script, &["--context", "context"]);
        assert_eq!(run.code, Some(0), "{mode:?}: {run:?}");
        assert!(!run.stdout.contains("of the machine") && !run.stdout.contains("boot"), "{mode:?}: {run:?}");
        assert!(run.stdout.ends_with("busybox\ndev\netc\nkaniko\nproc\ntmp\nworkspace\n"), "{mode:?}: {run:?}");
    }
    assert!(!stage.world.store_listing().iter().any(|line| line.contains("written")));
}

#[test]
fn links_of_the_image_lead_nothing_of_the_machine_in_or_out() {
    let machine = tempfile::tempdir().unwrap();
    fs::write(machine.path().join("config.json"), "of the machine").unwrap();
    let before = contents(machine.path());
    let at = machine.path().to_str().unwrap();
    let mut hostile = Tar::new().file("kaniko/ssl/.wh.certs", b"").file(".wh.etc", b"");
    for name in ["etc", "dev", "proc", "tmp", "workspace", "kaniko/.docker", "kaniko/ssl/certs", "kaniko/toolkit"] {
        hostile = hostile.link(name, at);
    }
    let Some(stage) = Stage::of(vec![Layer::gzip(hostile.end())]) else { return };
    let home = stage.world.home();
    fs::create_dir_all(home.join(".docker")).unwrap();
    fs::write(home.join(".docker/config.json"), "{}").unwrap();
    fs::write(home.join("private.crt"), "authority").unwrap();
    let stage = stage.with("SSL_CERT_FILE", home.join("private.crt").to_str().unwrap());
    let script =
        "cat /kaniko/.docker/config.json /kaniko/ssl/certs/*; echo x > ${2#*=}; rm -rf /dev/* /etc/* /tmp/*; exit 0\n";
    for mode in MODES {
        let run = stage.run(mode, script, &["--context=context", "--digest-file=digest"]);
        assert_eq!((run.code, run.stdout.as_str()), (Some(0), "{}authority"), "{mode:?}: {run:?}");
        assert_eq!(contents(machine.path()), before, "{mode:?}");
        assert_eq!(stage.world.read("digest"), "x\n", "{mode:?}");
        fs::remove_file(stage.world.project().join("digest")).unwrap();
    }
}

#[test]
fn the_context_is_there_and_cannot_be_changed() {
    let Some(stage) = Stage::new() else { return };
    stage.world.write("context/docker/Dockerfile", "FROM scratch\n");
    stage.world.write("elsewhere/Dockerfile", "FROM elsewhere\n");
    let script = "echo $* ; cat /workspace/docker/Dockerfile; echo x > /workspace/docker/Dockerfile; touch /workspace/new\n\
                  cat /kaniko/toolkit/in/*/Dockerfile 2>/dev/null; exit 0\n";
    let script = &script.replace("$*", "\"$@\"");
    for mode in MODES {
        let full = stage.world.project().join("context").display().to_string();
        for (arguments, told) in [
            (
                vec!["--context=context", "--dockerfile=docker/Dockerfile"],
                "--context=dir:///workspace --dockerfile=docker/Dockerfile",
            ),
            (vec!["--context", &format!("dir://{full}")], "--context=dir:///workspace"),
            (
                vec!["-c", "context", "-f", "context/docker/Dockerfile"],
                "--context=dir:///workspace --dockerfile=/workspace/docker/Dockerfile",
            ),
            (
                vec!["-c=context", "-felsewhere/Dockerfile", "-d", "x"],
                "--context=dir:///workspace --dockerfile=/kaniko/toolkit/in/0/Dockerfile -d x",
            ),
            (
                vec!["-ccontext", "--build-arg", "a=b c", "--", "-c", "x"],
                "--context=dir:///workspace --build-arg a=b c -- -c x",
            ),
        ] {
            let run = stage.run(mode, script, &arguments);
            assert_eq!(run.stdout.lines().next(), Some(told), "{mode:?} {arguments:?}: {run:?}");
            assert!(run.stdout.contains("FROM scratch"), "{mode:?} {arguments:?}: {run:?}");
            assert_eq!(
                run.stdout.contains("FROM elsewhere"),
                told.contains("/in/0/"),
                "{mode:?} {arguments:?}: {run:?}"
            );
            assert_eq!(stage.world.read("context/docker/Dockerfile"), "FROM scratch\n", "{mode:?}");
            assert!(!stage.world.project().join("context/new").exists(), "{mode:?}");
        }
    }
}

#[test]
fn results_end_up_where_they_were_asked_for() {
    let Some(stage) = Stage::new() else { return };
    fs::create_dir(stage.world.project().join("out")).unwrap();
    let script = "for word; do case $word in\n\
        --digest-file=*) echo sha256:00 > ${word#*=};;\n\
        --tar-path=*) echo tar > ${word#*=};;\n\
        --image-name-with-digest-file=*) echo name > ${word#*=};;\n\
        --oci-layout-path=*) mkdir -p ${word#*=}/blobs; echo {} > ${word#*=}/index.json; echo b > ${word#*=}/blobs/b;;\n\
        esac; done; rm -rf /workspace /etc; exit ${CI_END:-0}\n";
    for mode in MODES {
        let file = stage.world.project().join("out/whole.tar").display().to_string();
        let arguments = [
            "-c",
            "context",
            "--digest-file",
            "out/app.digest",
            &format!("--tar-path={file}"),
            "--image-name-with-digest-file=context/name",
            "--oci-layout-path",
            "out/layout",
        ];
        let run = stage.run(mode, script, &arguments);
        assert_eq!(run.code, Some(0), "{mode:?}: {run:?}");
        let found: Vec<String> =
            contents(&stage.world.project()).into_iter().filter(|line| !line.contains("script")).collect();
        assert_eq!(
            found,
            [
                "context/",
                "context/name name\n",
                "out/",
                "out/app.digest sha256:00\n",
                "out/layout/",
                "out/layout/blobs/",
                "out/layout/blobs/b b\n",
                "out/layout/index.json {}\n",
                "out/whole.tar tar\n",
            ],
            "{mode:?}"
        );
        fs::remove_dir_all(stage.world.project().join("out")).unwrap();
        fs::create_dir(stage.world.project().join("out")).unwrap();
        fs::remove_file(stage.world.project().join("context/name")).unwrap();
    }
}

#[test]
fn a_result_is_written_only_after_success_and_only_when_it_is_a_file() {
    let Some(stage) = Stage::new() else { return };
    for mode in MODES {
        for (script, code, said) in [
            ("echo x > ${2#*=}; exit 3", 3, ""),
            ("exit 0", 5, "did not create it"),
            ("ln -s /etc/passwd ${2#*=}", 5, "regular file"),
            ("mkdir ${2#*=}; ln -s /etc/passwd ${2#*=}/l", 5, "a link"),
            ("rm -rf /kaniko/toolkit; ln -s /etc /kaniko/toolkit", 5, "did not create it"),
        ] {
            let run = stage.run(mode, script, &["--context=context", "--digest-file=digest"]);
            assert_eq!(run.code, Some(code), "{mode:?} {script}: {run:?}");
            assert!(run.stderr.contains(said), "{mode:?} {script}: {run:?}");
            assert_eq!(fs::read_dir(stage.world.project()).unwrap().count(), 1, "{mode:?} {script}");
        }
    }
}

#[test]
fn arguments_that_cannot_work_start_nothing() {
    let Some(stage) = Stage::new() else { return };
    stage.world.write("full/x", "x");
    for (arguments, said) in [
        (&["--context", "nowhere"][..], "is not a folder"),
        (&["--context"], "needs a value"),
        (&["-c", "context", "--digest-file", "nowhere/x"], "in a folder that does not exist"),
        (&["-c", "context", "--digest-file", "full"], "exists and is not a file"),
        (&["-c", "context", "--digest-file", "/dev/null"], "exists and is not a file"),
        (&["-c", "context", "--oci-layout-path=full"], "not an empty folder"),
        (&["-c", "tar://nowhere.tar"], "does not exist"),
        (&["-c", "context", "--registry-certificate", "r.example=nowhere"], "does not exist"),
    ] {
        let run = stage.run(Mode::Mounts, "echo started", arguments);
        assert_eq!(run.code, Some(2), "{arguments:?}: {run:?}");
        assert!(run.stderr.contains(said) && run.stderr.contains("nothing was started"), "{arguments:?}: {run:?}");
        assert!(run.stdout.is_empty(), "{arguments:?}: {run:?}");
    }
    let stderr = stage.world.fails(2, &["exec", "kaniko@1.0.0", "go@1", "--", "x"]);
    assert!(stderr.contains("name it alone"), "{stderr}");
}

#[test]
fn credentials_and_named_variables_go_along_and_nothing_else() {
    let Some(stage) = Stage::new() else { return };
    let home = stage.world.home();
    fs::create_dir_all(home.join(".docker")).unwrap();
    fs::write(home.join(".docker/config.json"), "{\"auths\":{}}").unwrap();
    fs::write(home.join("token"), "token").unwrap();
    fs::write(home.join("private.crt"), "authority").unwrap();
    let stage = stage
        .with("AWS_REGION", "eu-central-1")
        .with("AWS_WEB_IDENTITY_TOKEN_FILE", home.join("token").to_str().unwrap())
        .with("SSL_CERT_FILE", home.join("private.crt").to_str().unwrap())
        .with("https_proxy", "http://proxy:3128")
        .with("CI_JOB_TOKEN", "job")
        .with("CIVIL", "no")
        .with("SECRET", "s3cret")
        .with("LD_PRELOAD", "")
        .with("BASH_ENV", "/x");
    let script = "env; stat -c '%a %n' /kaniko/.docker/config.json; cat /kaniko/.docker/config.json $AWS_WEB_IDENTITY_TOKEN_FILE\n\
                  cat $SSL_CERT_DIR/*; head -c 1 /etc/resolv.conf >/dev/null && head -c 4 /dev/urandom >/dev/null && echo x >/dev/null && id\n";
    for mode in MODES {
        let run = stage.run(mode, script, &["--context=context"]);
        assert_eq!(run.code, Some(0), "{mode:?}: {run:?}");
        for line in [
            "AWS_REGION=eu-central-1",
            "https_proxy=http://proxy:3128",
            "CI_JOB_TOKEN=job",
            "SSL_CERT_DIR=/kaniko/ssl/certs",
            "DOCKER_CONFIG=/kaniko/.docker/",
            "HOME=/root",
            "600 /kaniko/.docker/config.json",
        ] {
            assert!(run.stdout.lines().any(|found| found == line), "{mode:?}: {line}: {run:?}");
        }
        assert!(run.stdout.contains("{\"auths\":{}}token") && run.stdout.contains("authority"), "{mode:?}: {run:?}");
        assert!(run.stdout.contains("image") && run.stdout.contains("uid=0"), "{mode:?}: {run:?}");
        for absent in ["s3cret", "CIVIL", "BASH_ENV", "TOOLKIT", "SSL_CERT_FILE"] {
            assert!(!run.stdout.contains(absent), "{mode:?}: {absent}: {run:?}");
        }
    }
}

#[test]
fn what_programs_must_leave_alone_looks_mounted() {
    let Some(stage) = Stage::new() else { return };
    for mode in MODES {
        let run = stage.run(mode, "cat /proc/self/mountinfo", &["--context=context"]);
        let mounted: Vec<&str> = run.stdout.lines().filter_map(|line| line.split(' ').nth(4)).collect();
        for place in ["/", "/proc", "/dev", "/workspace", "/etc/resolv.conf", "/etc/hosts"] {
            if place == "/"
                || place == "/proc"
                || place == "/dev"
                || place == "/workspace"
                || Path::new(place).is_file()
            {
                assert!(mounted.contains(&place), "{mode:?}: {place}: {run:?}");
            }
        }
        let others = mounted.iter().filter(|place| !place.starts_with("/proc/")).count();
        assert!(others <= 7, "{mode:?}: mounts of the machine show: {mounted:?}");
    }
}

/// What a hostile `RUN` would try, as a script that tells what worked.
const ESCAPES: &str = r#"
try() { (eval "$1") >/dev/null 2>&1 && echo "worked: $1"; }
try 'mknod /tmp/disk b 8 0'
try 'mknod /tmp/memory c 1 1'
try 'mount -t tmpfs none /tmp'
try 'umount /proc'
try 'umount -l /proc/sys'
try ': >> /proc/sys/kernel/core_pattern'
try 'test -e /proc/sysrq-trigger && : >> /proc/sysrq-trigger'
try 'head -c 1 /proc/1/root/etc/shadow'
for each in kcore keys timer_list; do
  test -z "$(head -c 1 /proc/$each 2>/dev/null)" || echo "read: /proc/$each"
done
exit 0
"#;

#[test]
fn a_program_has_at_most_the_privileges_of_a_container() {
    let Some(stage) = Stage::new() else { return };
    for mode in MODES {
        let run = stage.run(mode, ESCAPES, &["--context=context"]);
        assert_eq!((run.code, run.stdout.as_str()), (Some(0), ""), "{mode:?}: {run:?}");
    }
    let run = stage.run(Mode::Mounts, "cat /proc/self/status", &["--context=context"]);
    let Some(status) = Some(&run.stdout).filter(|text| text.contains("CapBnd")) else {
        eprintln!("skipped: root may not mount here, so that there is no /proc to ask: {run:?}");
        return;
    };
    let value = |name: &str| status.lines().find_map(|line| line.strip_prefix(name)).unwrap().trim().to_owned();
    // Docker's default ones (00000000a80425fb) without CAP_MKNOD and CAP_NET_RAW.
    for name in ["CapPrm:", "CapEff:", "CapBnd:"] {
        let found = u64::from_str_radix(&value(name), 16).unwrap();
        assert_eq!(found & !0xa804_05fb, 0, "{name} {found:x}");
    }
    assert_eq!((value("CapInh:").as_str(), value("NoNewPrivs:").as_str()), ("0000000000000000", "1"));
}

#[test]
fn what_a_build_needs_still_works() {
    let Some(stage) = Stage::new() else { return };
    let script = "set -e; cd /tmp; echo x > f; chown 1000:1000 f; chmod 4755 f; stat -c '%u %g %a' f\n\
                  mkdir -p new/busybox; cp /busybox/busybox new/busybox/echo; chroot new /busybox/echo inside\n\
                  mknod pipe p; echo x > /dev/null; head -c 1 /dev/zero > zero; head -c 1 /proc/sys/kernel/ostype 2>/dev/null || true\n";
    for mode in MODES {
        let run = stage.run(mode, script, &["--context=context"]);
        assert_eq!(run.code, Some(0), "{mode:?}: {run:?}");
        assert!(run.stdout.starts_with("1000 1000 4755\ninside\n"), "{mode:?}: {run:?}");
    }
}

/// Lists a folder with the contents of its files.
fn contents(folder: &Path) -> Vec<String> {
    fn visit(root: &Path, folder: &Path, lines: &mut Vec<String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(root).unwrap().display().to_string();
            let data = path.symlink_metadata().unwrap();
            if data.is_dir() {
                lines.push(format!("{name}/"));
                visit(root, &path, lines);
            } else if data.is_symlink() {
                lines.push(format!("{name} -> {}", fs::read_link(&path).unwrap().display()));
            } else {
                lines.push(format!("{name} {}", fs::read_to_string(&path).unwrap()));
            }
        }
    }
    let mut lines = Vec::new();
    visit(folder, folder, &mut lines);
    lines.sort();
    lines
}
