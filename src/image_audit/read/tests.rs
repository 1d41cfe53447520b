//! Files of every kind, and what is found in them.

use std::collections::BTreeMap;

use super::*;

/// What a file of this name is found to say: `line role image`, then where it is needed unless everywhere; then the notes.
fn read_as(name: &str, text: &str, environment: &[(&str, &str)]) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    read_in(folder.path(), name, text, environment)
}

fn read_in(folder: &Path, name: &str, text: &str, environment: &[(&str, &str)]) -> Vec<String> {
    let platforms: Vec<ImagePlatform> = ["linux/amd64", "linux/arm64"].map(|text| text.parse().unwrap()).to_vec();
    let args = BTreeMap::from([("GIVEN".to_owned(), "given".to_owned())]);
    let variable = |name: &str| {
        let found = environment.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| (*value).to_owned())
    };
    let setting = Setting { platforms: &platforms, build_args: &args, variables: &variable };
    let file = File { path: folder.join(name), source: Source::new(name, text), root: folder.to_owned() };
    let mut findings = Findings::default();
    let kind = Kind::by_name(name).or_else(|| Kind::by_content(text)).unwrap();
    if let Err(error) = read(&file, kind, &setting, &mut findings) {
        return vec![format!("error {error}")];
    }
    let at = |location: &Option<Location>| match location {
        Some(location) if location.file == name => location.position.line.to_string(),
        Some(location) => location.to_string(),
        None => "-".to_owned(),
    };
    let one = |found: &Use| {
        let needs = match &found.needs {
            Needs::All => String::new(),
            Needs::Any => " any".to_owned(),
            Needs::Only(platforms) => format!(" {}", comma_separated(platforms)),
            Needs::Pinned(platforms) => format!(" @{}", comma_separated(platforms)),
        };
        let image = found.image.to_string();
        let image = image.trim_start_matches("docker.io/library/");
        format!("{} {} {image}{needs}", at(&found.location), found.role)
    };
    let notes =
        findings.notes.iter().filter(|note| note.kind != NoteKind::Pinned || note.text.contains("unknown platform"));
    let note = |note: &Note| format!("{} {} {}: {}", at(&note.location), note.kind.as_str(), note.subject, note.text);
    findings.uses.iter().map(one).chain(notes.map(note)).collect()
}

#[test]
fn files_are_told_by_their_names() {
    for (name, expected) in [
        ("Dockerfile", Some(Kind::Dockerfile)),
        ("Containerfile", Some(Kind::Dockerfile)),
        ("Dockerfile.arm64", Some(Kind::Dockerfile)),
        ("app.Dockerfile", Some(Kind::Dockerfile)),
        ("app.dockerfile", Some(Kind::Dockerfile)),
        ("Dockerfile-dev", Some(Kind::Dockerfile)),
        ("Dockerfile.dockerignore", None),
        ("dockerfile-parse.py", None),
        ("compose.yaml", Some(Kind::Compose)),
        ("docker-compose.yml", Some(Kind::Compose)),
        ("docker-compose.override.yml", Some(Kind::Compose)),
        ("compose-dev.yaml", Some(Kind::Compose)),
        ("dev.compose.yml", Some(Kind::Compose)),
        ("composer.yml", None),
        (".gitlab-ci.yml", Some(Kind::GitLab)),
        ("jobs.gitlab-ci.yml", Some(Kind::GitLab)),
        ("buildspec-arm64.yml", Some(Kind::Buildspec)),
        ("kustomization.yaml", Some(Kind::Kubernetes)),
        ("toolkit.lock", Some(Kind::Lock)),
        ("Cargo.lock", None),
        ("deployment.yaml", None),
    ] {
        assert_eq!(Kind::by_name(name), expected, "{name}");
    }
}

#[test]
fn files_are_told_by_what_they_say() {
    for (text, expected) in [
        ("FROM a\n", Some(Kind::Dockerfile)),
        ("# c\nARG A=1\nFROM a:$A\nRUN x", Some(Kind::Dockerfile)),
        ("services: {a: {image: b}}", Some(Kind::Compose)),
        ("apiVersion: v1\nkind: Pod", Some(Kind::Kubernetes)),
        ("---\n---\napiVersion: v1\nkind: Pod", Some(Kind::Kubernetes)),
        ("version: 0.2\nphases: {build: {commands: [x]}}", Some(Kind::Buildspec)),
        ("test: {script: [x]}", Some(Kind::GitLab)),
        ("spec: {inputs: {}}\n---\ntest: {script: [x]}", Some(Kind::GitLab)),
        ("a: 1", None),
        ("hello", None),
        ("", None),
        ("RUN a\nFROM b", None),
    ] {
        assert_eq!(Kind::by_content(text), expected, "{text}");
    }
}

#[test]
fn dockerfiles_are_judged_for_every_platform() {
    for (text, expected) in [
        ("FROM a:1\nFROM a:1 AS b\n", &["1 FROM a:1", "2 FROM a:1"][..]),
        ("FROM --platform=$BUILDPLATFORM a AS b\nFROM c", &["1 FROM a:latest any", "2 FROM c:latest"]),
        ("FROM --platform=linux/amd64 a", &["1 FROM a:latest @linux/amd64"]),
        ("FROM --platform=linux/s390x a", &["1 FROM a:latest @linux/s390x"]),
        (
            "FROM --platform=$X a",
            &[
                "1 FROM a:latest",
                "1 pinned a: a is fixed to an unknown platform: no ARG before the first FROM declares `X`",
            ],
        ),
        ("FROM a:$TARGETARCH", &["1 FROM a:amd64 linux/amd64", "1 FROM a:arm64 linux/arm64"]),
        (
            "FROM x AS b-amd64\nFROM arm64v8/x AS b-arm64\nFROM c AS other\nFROM b-$TARGETARCH",
            &["1 FROM x:latest linux/amd64", "2 FROM docker.io/arm64v8/x:latest linux/arm64", "3 FROM c:latest"],
        ),
        ("ARG GIVEN=x\nFROM a:$GIVEN", &["2 FROM a:given"]),
        (
            "FROM a\nCOPY --from=$X y z\nFROM UPPER",
            &[
                "1 FROM a:latest",
                "2 not resolved $X: `X` has no value",
                "3 not resolved UPPER: `UPPER` is not the name of an image: the name of a repository has no capital letters",
            ],
        ),
        (
            "FROM a\nFROM b c\n",
            &["1 FROM a:latest", "2 not read Dockerfile: expected `FROM image` or `FROM image AS name`"],
        ),
        (
            "FROM aws/codebuild/standard:7.0",
            &[
                "1 no registry image aws/codebuild/standard:7.0: CodeBuild keeps aws/codebuild/standard:7.0 for linux/amd64; \
             its `type` of machine must fit",
            ],
        ),
        ("RUN x", &["error Dockerfile, line 1: `RUN` comes before the first FROM, where only ARG is allowed"]),
    ] {
        assert_eq!(read_as("Dockerfile", text, &[]), expected, "{text}");
    }
}

#[test]
fn compose_files_see_what_the_user_gave_and_no_dotenv() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(".env"), "# c\nA=dotenv\nB='quoted' # x\nexport C=c # d\nbroken\n").unwrap();
    for (image, expected) in [
        ("a:${A}", "1 service s a:env"),
        ("a:${B}", "1 not resolved a:${B}: `B` has no value; `--env-file .env` would give it one"),
        ("a:$C", "1 not resolved a:$C: `C` has no value; `--env-file .env` would give it one"),
        ("a:${B:-d}", "1 service s a:d"),
        ("a:${D:-d}", "1 service s a:d"),
        ("${R:-ghcr.io}/a:${A:-x}", "1 service s ghcr.io/a:env"),
        ("a:$D", "1 not resolved a:$D: `D` has no value"),
        ("a:${D:?tell me}", "1 not resolved a:${D:?tell me}: `D` has no value (tell me)"),
        (
            "$$a",
            "1 not resolved $$a: `$a` is not the name of an image: a repository is named by a-z, 0-9, `.`, `_`, `-` and `/`",
        ),
    ] {
        let text = format!("services: {{s: {{image: \"{image}\"}}}}");
        assert_eq!(read_in(folder.path(), "compose.yaml", &text, &[("A", "env")]), [expected], "{image}");
    }
}

#[test]
fn a_dotenv_file_is_read_with_quotes_and_comments() {
    let values = dotenv("# c\nA=dotenv\nB='quoted' # x\nexport C=c # d\nbroken\n");
    let expected = [("A", "dotenv"), ("B", "quoted"), ("C", "c")];
    assert!(values.iter().map(|(name, value)| (name.as_str(), value.as_str())).eq(expected), "{values:?}");
}

#[test]
fn services_with_a_build_lead_to_their_dockerfiles() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("app")).unwrap();
    std::fs::write(folder.path().join("app/Dockerfile"), "ARG V=1\nFROM a:$V\nCOPY --from=ctx x y\n").unwrap();
    std::fs::write(folder.path().join("app/other"), "FROM b\n").unwrap();
    for (service, expected) in [
        ("build: ./app", &["app/Dockerfile:2 FROM a:1", "app/Dockerfile:3 COPY --from ctx:latest"][..]),
        ("{image: made, build: {context: app, dockerfile: other}}", &["app/other:1 FROM b:latest"]),
        (
            "{build: {context: app, args: {V: \"${W:-2}\"}, additional_contexts: {ctx: .}}}",
            &["app/Dockerfile:2 FROM a:2"],
        ),
        (
            "{build: {context: app, args: [V], additional_contexts: [\"ctx=docker-image://d:4\"]}}",
            &["app/Dockerfile:2 FROM a:3", "app/Dockerfile:3 COPY --from d:4"],
        ),
        (
            "{platform: linux/amd64, build: {context: app, dockerfile: other}}",
            &["app/other:1 FROM b:latest @linux/amd64"],
        ),
        (
            "{build: {context: app, dockerfile: other, platforms: [linux/arm64]}}",
            &["app/other:1 FROM b:latest linux/arm64"],
        ),
        ("{build: {dockerfile_inline: \"FROM c\\nFROM d\"}}", &["1 FROM c:latest", "1 FROM d:latest"]),
        ("{platform: linux/arm64, image: e}", &["1 service s e:latest @linux/arm64"]),
        ("build: https://example.com/x.git", &["1 not read service s: it is built from https://example.com/x.git"]),
        ("build: ./none", &["1 not read service s: its Dockerfile none/Dockerfile does not exist or is not text"]),
        ("build: ./$NONE", &["1 not read service s: its Dockerfile is unknown: `NONE` has no value"]),
        (
            "{extends: {file: x.yml, service: y}}",
            &["- not read compose.yaml: service s extends a service of another file; name that file, too"],
        ),
    ] {
        let service = if service.starts_with('{') { service.to_owned() } else { format!("{{{service}}}") };
        let text = format!("services: {{s: {service}}}");
        assert_eq!(read_in(folder.path(), "compose.yaml", &text, &[("V", "3")]), expected, "{service}");
    }
}

#[test]
fn manifests_say_where_their_pods_may_run() {
    let pod = |rest: &str| format!("apiVersion: v1\nkind: Pod\nspec:\n  containers: [{{image: {rest}}}]\n");
    for (text, expected) in [
        (pod("a:1"), "4 Pod a:1"),
        (pod("a:1") + "  nodeSelector: {kubernetes.io/arch: amd64}\n", "4 Pod a:1 @linux/amd64"),
        (pod("'a:${TAG}'"), "4 not resolved a:${TAG}: it is filled in elsewhere (`$`)"),
        (pod("'{{ image }}'"), "4 not resolved {{ image }}: it is filled in elsewhere (`{{`)"),
    ] {
        assert_eq!(read_as("pod.yaml", &text, &[]), [expected], "{text}");
    }
    let broken = read_as("kustomization.yaml", "a: b: c\n", &[]);
    assert!(broken[0].starts_with("error kustomization.yaml, line 1 is not valid YAML"), "{broken:?}");
}

#[test]
fn pipelines_know_their_variables() {
    for (text, expected) in [
        ("image: a\nt: {script: [x]}", &["1 job t a:latest", "1 all jobs a:latest"][..]),
        ("default: {image: a}\nt: {script: [x], image: b:1}", &["2 job t b:1", "1 default a:latest"]),
        ("t: {image: {name: a:1, entrypoint: ['']}, script: [x]}", &["1 job t a:1"]),
        ("t: {image: {name: a, docker: {platform: linux/arm64}}, script: [x]}", &["1 job t a:latest @linux/arm64"]),
        (
            "t: {image: a, services: [b:1, {name: c:2, alias: d}], script: [x]}",
            &["1 job t a:latest", "1 service of job t b:1", "1 service of job t c:2"],
        ),
        ("variables: {V: '1'}\nt: {image: 'a:$V', script: [x]}", &["2 job t a:1"]),
        ("variables: {V: '1'}\nt: {image: 'a:${V}', variables: {V: '2'}, script: [x]}", &["2 job t a:2"]),
        (
            "variables: {V: {value: '1', description: d}, W: '$V.2'}\nt: {image: 'a:$W', script: [x]}",
            &["2 job t a:1.2"],
        ),
        ("t: {image: '$CI_REGISTRY_IMAGE/x', script: [x]}", &["1 job t registry.example/g/p/x:latest"]),
        ("t: {image: 'a:$NONE', script: [x]}", &["1 not resolved a:$NONE: `NONE` has no value"]),
        ("t: {image: 'a:$V', variables: {V: $W}, script: [x]}", &["1 not resolved a:$V: `W` has no value"]),
        (
            "t: {image: 'a:$V', variables: {V: $V}, script: [x]}",
            &["1 not resolved a:$V: its variables refer to each other"],
        ),
        (
            "t:\n  image: 'a:$V'\n  parallel: {matrix: [{V: ['1', '2']}]}\n  script: [x]",
            &["2 job t a:1", "2 job t a:2"],
        ),
        (
            ".b: {image: 'a:$V', variables: {V: '0'}}\nt: {extends: .b, variables: {V: '1'}, script: [x]}",
            &["1 job t a:1", "1 job .b a:0"],
        ),
        (".b: {image: {name: a:1}}\nt: {image: !reference [.b, image], script: [x]}", &["1 job t a:1", "1 job .b a:1"]),
        ("t: {trigger: g/p}\nimage: a", &["2 all jobs a:latest"]),
        ("spec: {inputs: {v: {default: '3'}}}\n---\nt: {image: 'a:$[[ inputs.v ]]', script: [x]}", &["3 job t a:3"]),
        (
            "t: {image: 'a:$[[ inputs.v ]]', script: [x]}",
            &["1 not resolved a:$[[ inputs.v ]]: the input `inputs.v` has no default here"],
        ),
        (
            "include: x.yml\nt: {image: a, script: [x]}",
            &["2 job t a:latest", "1 not read x.yml: files outside of the repository are not read"],
        ),
        (
            "include:\n  - {project: g/p, file: x.yml}\n  - https://example.com/y.yml\n",
            &[
                "2 not read include: files outside of the repository are not read",
                "3 not read https://example.com/y.yml: files outside of the repository are not read",
            ],
        ),
        ("t: {image: [a], script: [x]}\nu: 1", &[]),
    ] {
        let environment = [("CI_REGISTRY_IMAGE", "registry.example/g/p")];
        assert_eq!(read_as(".gitlab-ci.yml", text, &environment), expected, "{text}");
    }
}

#[test]
fn files_that_others_include_are_read_with_them_once() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("ci")).unwrap();
    std::fs::write(folder.path().join("ci/jobs.yml"), "include: [.gitlab-ci.yml, ci/more.yml]\nt: {image: 'a:$V'}\n")
        .unwrap();
    std::fs::write(folder.path().join("ci/more.yml"), "u: {image: 'b:$V$W'}\n").unwrap();
    let text = "include: {local: /ci/jobs.yml}\nvariables: {V: '1'}\n";
    std::fs::write(folder.path().join(".gitlab-ci.yml"), text).unwrap();
    let expected = ["ci/jobs.yml:2 job t a:1", "ci/more.yml:1 job u b:12"];
    assert_eq!(read_in(folder.path(), ".gitlab-ci.yml", text, &[("W", "2")]), expected);
    std::fs::write(folder.path().join("ci/one.yml"), "include: [../compose.yml]\nservices: {a: {image: a}}").unwrap();
    let text = "include: [ci/one.yml, {path: ci/none.yml}]\nservices: {b: {image: b}}";
    std::fs::write(folder.path().join("compose.yml"), text).unwrap();
    let expected = [
        "2 service b b:latest",
        "ci/one.yml:2 service a a:latest",
        "1 not read ci/none.yml: an included file that does not exist or is not text",
    ];
    assert_eq!(read_in(folder.path(), "compose.yml", text, &[]), expected);
}

#[test]
fn variables_that_multiply_end() {
    let name = |number: usize| format!("V{number}");
    let values = (0..9).map(|number| format!("{}: '{}'", name(number), format!("${}", name(number + 1)).repeat(200)));
    let text =
        format!("variables: {{{}, V9: ''}}\nt: {{image: 'a:$V0', script: [x]}}", values.collect::<Vec<_>>().join(", "));
    let found = read_as(".gitlab-ci.yml", &text, &[]);
    assert!(found[0].contains("its variables refer to each other"), "{found:?}");
}

#[test]
fn buildspecs_name_images_in_batches_and_commands() {
    let text = "version: 0.2
batch:
  build-list:
    - identifier: a
      env: {image: 'aws/codebuild/standard:7.0', type: LINUX_CONTAINER}
    - identifier: b
      env: {image: 'golang:1.27', type: ARM_CONTAINER}
    - identifier: c
      env: {image: 'golang:1.26'}
phases:
  build:
    commands:
      - docker run --rm redis:7 true
      - |
        echo x
        docker pull postgres:17
      - docker build -t made . && docker push made
      - docker run $IMAGE
";
    let curated = "CodeBuild keeps aws/codebuild/standard:7.0 for linux/amd64; its `type` of machine must fit";
    assert_eq!(
        read_as("buildspec.yml", text, &[]),
        [
            "7 build of the batch golang:1.27 linux/arm64",
            "9 build of the batch golang:1.26",
            "13 command of build redis:7",
            "16 command of build postgres:17",
            &format!("5 no registry image aws/codebuild/standard:7.0: {curated}"),
        ]
    );
}

#[test]
fn the_lock_names_images_of_tools() {
    let digest = format!("sha256:{}", "0".repeat(64));
    let text = format!(
        "version = 1\n[[tool]]\nname = \"go\"\n[[tool]]\nname = \"kaniko\"\nimage = \"ghcr.io/a/b@{digest}\"\n"
    );
    assert_eq!(read_as("toolkit.lock", &text, &[]), [format!("6 tool kaniko ghcr.io/a/b@{digest}")]);
    assert_eq!(read_as("toolkit.lock", "version = 1\n", &[]), [""; 0]);
    let broken = read_as("toolkit.lock", "version = 1\nx = [\n", &[]);
    assert!(broken[0].starts_with("error toolkit.lock, line "), "{broken:?}");
}
