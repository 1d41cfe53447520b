//! The rules for GitLab pipelines, each with its shortest examples.

use crate::lint::{Level, Rule, Target};

const fn rule(
    id: &'static str,
    level: Level,
    summary: &'static str,
    reason: &'static str,
    bad: &'static str,
    good: &'static str,
) -> Rule {
    Rule { id, level, summary, reason, bad, good, target: Target::GitLab }
}

macro_rules! rules {
    ($($name:ident $id:literal $level:ident $summary:literal $reason:literal $bad:literal $good:literal;)*) => {
        $(pub(super) const $name: Rule = rule($id, Level::$level, $summary, $reason, $bad, $good);)*
        /// Every rule of this subject, by id.
        pub const RULES: &[Rule] = &[$($name,)*];
    };
}

rules! {
    JOB_KEY "TK500" Error "a keyword that jobs do not have"
        "GitLab rejects the file (https://docs.gitlab.com/ci/yaml/)."
        "a:\n  scrpt: [make]\n  script: [make]\n" "a:\n  script: [make]\n";
    ROOT_KEY "TK501" Error "a keyword that the top level does not have"
        "GitLab takes it for a job and rejects the file (https://docs.gitlab.com/ci/yaml/)."
        "stags: [build]\na:\n  script: [make]\n" "stages: [test]\na:\n  script: [make]\n";
    WRONG_TYPE "TK502" Error "a value of the wrong kind"
        "GitLab rejects the file (https://docs.gitlab.com/ci/yaml/)."
        "a:\n  tags: arm64\n  script: [make]\n" "a:\n  tags: [arm64]\n  script: [make]\n";
    NO_SCRIPT "TK503" Error "a job with nothing to run"
        "A job needs `script`, `run` or `trigger` (https://docs.gitlab.com/ci/yaml/#script)."
        "a:\n  stage: test\n" "a:\n  stage: test\n  script: [make]\n";
    SCRIPT_MAP "TK504" Error "a command that YAML reads as a map"
        "A `: ` inside an unquoted command makes a key of what stands before it (https://docs.gitlab.com/ci/yaml/script/)."
        "a:\n  script:\n    - echo Result: done\n" "a:\n  script:\n    - 'echo Result: done'\n";
    DEFAULT_KEY "TK505" Error "a keyword that `default` does not have"
        "GitLab rejects the file (https://docs.gitlab.com/ci/yaml/#default)."
        "default:\n  script: [make]\na:\n  script: [make]\n" "default:\n  tags: [arm64]\na:\n  script: [make]\n";
    EXTENDS "TK506" Error "`extends` names a job that is not there"
        "GitLab rejects the file (https://docs.gitlab.com/ci/yaml/#extends)."
        "a:\n  extends: .base\n  script: [make]\n" ".base: {tags: [x]}\na:\n  extends: .base\n  script: [make]\n";
    RETRY "TK507" Error "`retry` beyond what GitLab takes"
        "`retry` is 0, 1 or 2, with reasons that GitLab knows (https://docs.gitlab.com/ci/yaml/#retry)."
        "a:\n  retry: 5\n  script: [make]\n" "a:\n  retry: 2\n  script: [make]\n";
    WHEN "TK508" Error "a `when` that GitLab does not have"
        "GitLab rejects the file (https://docs.gitlab.com/ci/yaml/#when)."
        "a:\n  when: sometimes\n  script: [make]\n" "a:\n  when: manual\n  script: [make]\n";
    REPORT "TK509" Error "a kind of report that GitLab does not have"
        "GitLab rejects the file (https://docs.gitlab.com/ci/yaml/artifacts_reports/)."
        "a:\n  script: [make]\n  artifacts: {reports: {junitt: a.xml}}\n" "a:\n  script: [make]\n  artifacts: {reports: {junit: a.xml}}\n";
    CACHE "TK510" Error "a cache that GitLab does not take"
        "A key has no `/` and is not only dots; at most 5 fallback keys (https://docs.gitlab.com/ci/yaml/#cachekey)."
        "a:\n  script: [make]\n  cache: {key: a/b, paths: [x]}\n" "a:\n  script: [make]\n  cache: {key: a-b, paths: [x]}\n";
    TOKEN "TK511" Error "an ID token without `aud`"
        "GitLab rejects the file (https://docs.gitlab.com/ci/yaml/#id_tokens)."
        "a:\n  script: [make]\n  id_tokens: {T: {}}\n" "a:\n  script: [make]\n  id_tokens: {T: {aud: https://x}}\n";
    RULES_ONLY "TK512" Error "`rules` together with `only` or `except`"
        "GitLab rejects the file (https://docs.gitlab.com/ci/yaml/#only--except)."
        "a:\n  script: [make]\n  only: [main]\n  rules: [{when: always}]\n" "a:\n  script: [make]\n  rules: [{when: always}]\n";
    STAGE "TK520" Error "a stage that is not there"
        "GitLab rejects the file (https://docs.gitlab.com/ci/yaml/#stage)."
        "a:\n  stage: tset\n  script: [make]\n" "a:\n  stage: test\n  script: [make]\n";
    NEED "TK521" Error "`needs` or `dependencies` names a job that is not there"
        "GitLab rejects the file (https://docs.gitlab.com/ci/yaml/#needs)."
        "a:\n  needs: [b]\n  script: [make]\n" "b: {script: [make]}\na:\n  needs: [b]\n  script: [make]\n";
    CYCLE "TK522" Error "jobs that need each other"
        "None of them could begin (https://docs.gitlab.com/ci/yaml/needs/)."
        "a:\n  needs: [b]\n  script: [make]\nb:\n  needs: [a]\n  script: [make]\n" "a:\n  needs: [b]\n  script: [make]\nb: {script: [make]}\n";
    LATER "TK523" Error "a job needs one of a later stage"
        "GitLab rejects the file (https://docs.gitlab.com/ci/yaml/#needs)."
        "a:\n  stage: build\n  needs: [b]\n  script: [make]\nb: {stage: test, script: [make]}\n" "a:\n  stage: test\n  needs: [b]\n  script: [make]\nb: {stage: build, script: [make]}\n";
    SUBSET "TK524" Error "`needs` asks for a permutation that the matrix does not have"
        "GitLab rejects the file (https://docs.gitlab.com/ci/yaml/#needsparallelmatrix)."
        "a: {script: [x], parallel: {matrix: [{A: [x, y]}]}}\nb: {script: [x], needs: [{job: a, parallel: {matrix: [{A: z}]}}]}\n" "a: {script: [x], parallel: {matrix: [{A: [x, y]}]}}\nb: {script: [x], needs: [{job: a, parallel: {matrix: [{A: y}]}}]}\n";
    DEPENDENCIES "TK525" Error "`dependencies` has a job that `needs` lacks"
        "GitLab rejects the file (https://docs.gitlab.com/ci/yaml/#dependencies)."
        "a: {stage: build, script: [x]}\nb: {stage: build, script: [x]}\nc: {script: [x], needs: [a], dependencies: [b]}\n" "a: {stage: build, script: [x]}\nc: {script: [x], needs: [a], dependencies: [a]}\n";
    PARALLEL "TK540" Error "more parallel jobs than GitLab takes"
        "`parallel` is 1 to 200, and a matrix has at most 200 permutations (https://docs.gitlab.com/ci/yaml/#parallel)."
        "a: {script: [x], parallel: 500}\n" "a: {script: [x], parallel: 5}\n";
    DUPLICATE "TK541" Warning "a permutation stands twice in a matrix"
        "Jobs of one name overwrite each other (https://docs.gitlab.com/ci/yaml/#parallelmatrix)."
        "a: {script: [x], parallel: {matrix: [{A: x}, {A: x}]}}\n" "a: {script: [x], parallel: {matrix: [{A: x}, {A: y}]}}\n";
    OVERWRITE "TK542" Warning "parallel jobs write the same artifact, and a job takes it from all of them"
        "The last one downloaded replaces the others (https://docs.gitlab.com/ci/yaml/#artifacts)."
        "a: {script: [x], artifacts: {paths: [d.txt]}, parallel: {matrix: [{A: [x, y]}]}}\nb: {script: [x], needs: [a]}\n" "a: {script: [x], artifacts: {paths: [d-$A.txt]}, parallel: {matrix: [{A: [x, y]}]}}\nb: {script: [x], needs: [a]}\n";
    ENTRYPOINT "TK560" Warning "an image that builds images starts without `entrypoint: [\"\"]`"
        "Its own entry point runs instead of the shell (https://docs.gitlab.com/ci/docker/using_buildkit/)."
        "a:\n  image: moby/buildkit:v0.25.0-rootless\n  script: [x]\n" "a:\n  image: {name: \"moby/buildkit:v0.25.0-rootless\", entrypoint: [\"\"]}\n  script: [x]\n";
    ARCHIVED "TK561" Warning "Google's kaniko, which is archived"
        "It gets no fixes since June 2025; osscontainertools/kaniko is kept (https://github.com/osscontainertools/kaniko)."
        "a:\n  image: {name: \"gcr.io/kaniko-project/executor:v1.24.0-debug\", entrypoint: [\"\"]}\n  script: [x]\n" "a:\n  image: {name: \"ghcr.io/osscontainertools/kaniko:v1.28.3-debug\", entrypoint: [\"\"]}\n  script: [x]\n";
    UNPINNED "TK562" Warning "an image that changes under its name"
        "The same commit gives another build tomorrow (https://docs.docker.com/build/building/best-practices/#pin-base-image-versions)."
        "a:\n  image: alpine:latest\n  script: [x]\n" "a:\n  image: alpine:3.23\n  script: [x]\n";
    ENDED "TK563" Warning "an image of a release that is not kept any more"
        "It gets no security fixes (https://endoflife.date)."
        "a:\n  image: fedora:36\n  script: [x]\n" "a:\n  image: fedora:43\n  script: [x]\n";
    ARCHITECTURE "TK564" Warning "the runner has one architecture, the command or image is for the other"
        "It fails with `exec format error`, or runs slowly in emulation (https://docs.gitlab.com/ci/yaml/#tags)."
        "a:\n  tags: [arm64]\n  script: [/kaniko/executor --custom-platform=linux/amd64]\n" "a:\n  tags: [arm64]\n  script: [/kaniko/executor --custom-platform=linux/arm64]\n";
    MANIFEST_LACKS "TK565" Warning "a multi-architecture image lacks an architecture that was built"
        "Machines of that architecture cannot pull it (observed)."
        "b: {stage: build, tags: [$A], script: [x], parallel: {matrix: [{A: [amd64, arm64]}]}}\nm:\n  script:\n    - podman manifest create i\n    - podman manifest add i docker://i-amd64\n" "b: {stage: build, tags: [$A], script: [x], parallel: {matrix: [{A: [amd64, arm64]}]}}\nm:\n  script:\n    - podman manifest create i\n    - podman manifest add i docker://i-amd64\n    - podman manifest add i docker://i-arm64\n";
    MANIFEST_EARLY "TK566" Warning "a multi-architecture image is put together before its parts are built"
        "It finds the images of an earlier pipeline, or none (observed)."
        "b: {tags: [$A], script: [x], parallel: {matrix: [{A: [amd64, arm64]}]}}\nm:\n  script:\n    - podman manifest create i-amd64 i-arm64\n" "b: {tags: [$A], script: [x], parallel: {matrix: [{A: [amd64, arm64]}]}}\nm:\n  needs: [b]\n  script:\n    - podman manifest create i-amd64 i-arm64\n";
    WRAPS "TK580" Warning "`base64` wraps its output"
        "Long credentials come out on two lines, which JSON does not take (https://www.gnu.org/software/coreutils/base64)."
        "a:\n  script:\n    - AUTH=$(echo \"$USER:$PASSWORD\" | base64)\n" "a:\n  script:\n    - AUTH=$(echo \"$USER:$PASSWORD\" | base64 -w0)\n";
    DELETES_N "TK581" Warning "`tr` deletes the letter n instead of line ends"
        "The backslash of `\\n` is lost, and credentials lose every n (observed: the article on Graviton)."
        "a:\n  script:\n    - AUTH=$(echo $X | base64 | tr -d 'n')\n" "a:\n  script:\n    - AUTH=$(echo $X | base64 | tr -d '\\n')\n";
    JSON "TK582" Warning "the shell takes the quotes out of JSON"
        "Double quotes inside double quotes end them; the file that is written is no JSON (observed: the article on Graviton)."
        "a:\n  script:\n    - |\n      echo \"{\"auths\":{}}\" > c.json\n" "a:\n  script:\n    - |\n      echo '{\"auths\":{}}' > c.json\n";
    PASSWORD "TK583" Warning "a password as an argument"
        "Every process of the machine can read it; use `--password-stdin` (https://docs.docker.com/reference/cli/docker/login/)."
        "a:\n  script:\n    - docker login -u u -p $CI_REGISTRY_PASSWORD r\n" "a:\n  script:\n    - echo \"$CI_REGISTRY_PASSWORD\" | docker login -u u --password-stdin r\n";
    ECHOED "TK584" Warning "a secret is written to the log"
        "Masking hides only some values (https://docs.gitlab.com/ci/variables/#mask-a-cicd-variable)."
        "a:\n  script:\n    - echo $CI_REGISTRY_PASSWORD\n" "a:\n  script:\n    - echo $CI_REGISTRY_PASSWORD > password\n";
    PLAIN_SECRET "TK585" Warning "a secret in the file"
        "Everybody who can read the repository has it (https://docs.gitlab.com/ci/variables/#cicd-variable-security)."
        "variables:\n  T: glpat-aaaaaaaaaaaaaaaaaaaa\na: {script: [x]}\n" "variables:\n  T: $TOKEN\na: {script: [x]}\n";
    PIPED "TK586" Warning "a script from the network is run unseen"
        "Whoever controls that server runs commands here; fetch it and check its digest (observed)."
        "a:\n  script:\n    - curl -sSf https://x.io/i.sh | bash\n" "a:\n  script:\n    - toolkit fetch https://x.io/i.sh --digest sha256:00 --output i.sh\n";
    INSTALLS "TK587" Note "the image builder is installed anew in every job"
        "It is slow and takes another version every week; use an image that has it (observed)."
        "a:\n  script:\n    - yum -y install podman\n" "a:\n  script:\n    - yum -y install make\n";
}
