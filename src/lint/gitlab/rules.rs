//! The rules for GitLab pipelines.

use crate::lint::rule::rules;
use crate::lint::{Level, Rule, Target};

rules! {
    JOB_KEY = Rule {
        id: "TK500",
        level: Level::Error,
        target: Target::GitLab,
        blocks: false,
        summary: "an unknown keyword in a job",
        reason: "GitLab rejects the file (https://docs.gitlab.com/ci/yaml/).",
        bad: "a:\n  scrpt: [make]\n  script: [make]\n",
        good: "a:\n  script: [make]\n",
    };

    ROOT_KEY = Rule {
        id: "TK501",
        level: Level::Error,
        target: Target::GitLab,
        blocks: false,
        summary: "an unknown keyword at the top level",
        reason: "GitLab takes it for a job and rejects the file (https://docs.gitlab.com/ci/yaml/).",
        bad: "stags: [build]\na:\n  script: [make]\n",
        good: "stages: [test]\na:\n  script: [make]\n",
    };

    WRONG_TYPE = Rule {
        id: "TK502",
        level: Level::Error,
        target: Target::GitLab,
        blocks: false,
        summary: "a value of the wrong type",
        reason: "GitLab rejects the file (https://docs.gitlab.com/ci/yaml/).",
        bad: "a:\n  tags: arm64\n  script: [make]\n",
        good: "a:\n  tags: [arm64]\n  script: [make]\n",
    };

    NO_SCRIPT = Rule {
        id: "TK503",
        level: Level::Error,
        target: Target::GitLab,
        blocks: false,
        summary: "a job with nothing to run",
        reason: "A job needs `script`, `run` or `trigger` (https://docs.gitlab.com/ci/yaml/#script).",
        bad: "a:\n  stage: test\n",
        good: "a:\n  stage: test\n  script: [make]\n",
    };

    SCRIPT_MAP = Rule {
        id: "TK504",
        level: Level::Error,
        target: Target::GitLab,
        blocks: false,
        summary: "a command that YAML reads as a map",
        reason: "`: ` inside an unquoted command turns the text before it into a key \
                 (https://docs.gitlab.com/ci/yaml/script/).",
        bad: "a:\n  script:\n    - echo Result: done\n",
        good: "a:\n  script:\n    - 'echo Result: done'\n",
    };

    DEFAULT_KEY = Rule {
        id: "TK505",
        level: Level::Error,
        target: Target::GitLab,
        blocks: false,
        summary: "an unknown keyword in `default`",
        reason: "GitLab rejects the file (https://docs.gitlab.com/ci/yaml/#default).",
        bad: "default:\n  script: [make]\na:\n  script: [make]\n",
        good: "default:\n  tags: [arm64]\na:\n  script: [make]\n",
    };

    EXTENDS = Rule {
        id: "TK506",
        level: Level::Error,
        target: Target::GitLab,
        blocks: false,
        summary: "`extends` names a job that does not exist",
        reason: "GitLab rejects the file (https://docs.gitlab.com/ci/yaml/#extends).",
        bad: "a:\n  extends: .base\n  script: [make]\n",
        good: ".base: {tags: [x]}\na:\n  extends: .base\n  script: [make]\n",
    };

    RETRY = Rule {
        id: "TK507",
        level: Level::Error,
        target: Target::GitLab,
        blocks: false,
        summary: "a `retry` value that GitLab does not accept",
        reason: "`retry` is 0, 1 or 2, with failure reasons that GitLab knows (https://docs.gitlab.com/ci/yaml/#retry).",
        bad: "a:\n  retry: 5\n  script: [make]\n",
        good: "a:\n  retry: 2\n  script: [make]\n",
    };

    WHEN = Rule {
        id: "TK508",
        level: Level::Error,
        target: Target::GitLab,
        blocks: false,
        summary: "a `when` value that GitLab does not know",
        reason: "GitLab rejects the file (https://docs.gitlab.com/ci/yaml/#when).",
        bad: "a:\n  when: sometimes\n  script: [make]\n",
        good: "a:\n  when: manual\n  script: [make]\n",
    };

    REPORT = Rule {
        id: "TK509",
        level: Level::Error,
        target: Target::GitLab,
        blocks: false,
        summary: "a type of report that GitLab does not know",
        reason: "GitLab rejects the file (https://docs.gitlab.com/ci/yaml/artifacts_reports/).",
        bad: "a:\n  script: [make]\n  artifacts: {reports: {junitt: a.xml}}\n",
        good: "a:\n  script: [make]\n  artifacts: {reports: {junit: a.xml}}\n",
    };

    CACHE = Rule {
        id: "TK510",
        level: Level::Error,
        target: Target::GitLab,
        blocks: false,
        summary: "a cache that GitLab does not accept",
        reason: "A key contains no `/` and is not only dots; there are at most 5 fallback keys \
                 (https://docs.gitlab.com/ci/yaml/#cachekey).",
        bad: "a:\n  script: [make]\n  cache: {key: a/b, paths: [x]}\n",
        good: "a:\n  script: [make]\n  cache: {key: a-b, paths: [x]}\n",
    };

    TOKEN = Rule {
        id: "TK511",
        level: Level::Error,
        target: Target::GitLab,
        blocks: false,
        summary: "an ID token without `aud`",
        reason: "GitLab rejects the file (https://docs.gitlab.com/ci/yaml/#id_tokens).",
        bad: "a:\n  script: [make]\n  id_tokens: {T: {}}\n",
        good: "a:\n  script: [make]\n  id_tokens: {T: {aud: https://x}}\n",
    };

    RULES_ONLY = Rule {
        id: "TK512",
        level: Level::Error,
        target: Target::GitLab,
        blocks: false,
        summary: "`rules` combined with `only` or `except`",
        reason: "GitLab rejects the file (https://docs.gitlab.com/ci/yaml/#only--except).",
        bad: "a:\n  script: [make]\n  only: [main]\n  rules: [{when: always}]\n",
        good: "a:\n  script: [make]\n  rules: [{when: always}]\n",
    };

    STAGE = Rule {
        id: "TK520",
        level: Level::Error,
        target: Target::GitLab,
        blocks: false,
        summary: "a stage that does not exist",
        reason: "GitLab rejects the file (https://docs.gitlab.com/ci/yaml/#stage).",
        bad: "a:\n  stage: tset\n  script: [make]\n",
        good: "a:\n  stage: test\n  script: [make]\n",
    };

    NEED = Rule {
        id: "TK521",
        level: Level::Error,
        target: Target::GitLab,
        blocks: false,
        summary: "`needs` or `dependencies` names a job that does not exist",
        reason: "GitLab rejects the file (https://docs.gitlab.com/ci/yaml/#needs).",
        bad: "a:\n  needs: [b]\n  script: [make]\n",
        good: "b: {script: [make]}\na:\n  needs: [b]\n  script: [make]\n",
    };

    CYCLE = Rule {
        id: "TK522",
        level: Level::Error,
        target: Target::GitLab,
        blocks: false,
        summary: "jobs that need each other",
        reason: "None of them can start (https://docs.gitlab.com/ci/yaml/needs/).",
        bad: "a:\n  needs: [b]\n  script: [make]\nb:\n  needs: [a]\n  script: [make]\n",
        good: "a:\n  needs: [b]\n  script: [make]\nb: {script: [make]}\n",
    };

    LATER = Rule {
        id: "TK523",
        level: Level::Error,
        target: Target::GitLab,
        blocks: false,
        summary: "a job needs one from a later stage",
        reason: "GitLab rejects the file (https://docs.gitlab.com/ci/yaml/#needs).",
        bad: "a:\n  stage: build\n  needs: [b]\n  script: [make]\nb: {stage: test, script: [make]}\n",
        good: "a:\n  stage: test\n  needs: [b]\n  script: [make]\nb: {stage: build, script: [make]}\n",
    };

    SUBSET = Rule {
        id: "TK524",
        level: Level::Error,
        target: Target::GitLab,
        blocks: false,
        summary: "`needs` names a permutation that the matrix does not have",
        reason: "GitLab rejects the file (https://docs.gitlab.com/ci/yaml/#needsparallelmatrix).",
        bad: "a: {script: [x], parallel: {matrix: [{A: [x, y]}]}}\nb: {script: [x], needs: [{job: a, parallel: {matrix: [{A: z}]}}]}\n",
        good: "a: {script: [x], parallel: {matrix: [{A: [x, y]}]}}\nb: {script: [x], needs: [{job: a, parallel: {matrix: [{A: y}]}}]}\n",
    };

    DEPENDENCIES = Rule {
        id: "TK525",
        level: Level::Error,
        target: Target::GitLab,
        blocks: false,
        summary: "`dependencies` names a job that is not in `needs`",
        reason: "GitLab rejects the file (https://docs.gitlab.com/ci/yaml/#dependencies).",
        bad: "a: {stage: build, script: [x]}\nb: {stage: build, script: [x]}\nc: {script: [x], needs: [a], dependencies: [b]}\n",
        good: "a: {stage: build, script: [x]}\nc: {script: [x], needs: [a], dependencies: [a]}\n",
    };

    PARALLEL = Rule {
        id: "TK540",
        level: Level::Error,
        target: Target::GitLab,
        blocks: false,
        summary: "more parallel jobs than GitLab allows",
        reason: "`parallel` is 1 to 200, and a matrix has at most 200 permutations \
                 (https://docs.gitlab.com/ci/yaml/#parallel).",
        bad: "a: {script: [x], parallel: 500}\n",
        good: "a: {script: [x], parallel: 5}\n",
    };

    DUPLICATE = Rule {
        id: "TK541",
        level: Level::Warning,
        target: Target::GitLab,
        blocks: false,
        summary: "a permutation appears twice in a matrix",
        reason: "Jobs with the same name overwrite each other (https://docs.gitlab.com/ci/yaml/#parallelmatrix).",
        bad: "a: {script: [x], parallel: {matrix: [{A: x}, {A: x}]}}\n",
        good: "a: {script: [x], parallel: {matrix: [{A: x}, {A: y}]}}\n",
    };

    OVERWRITE = Rule {
        id: "TK542",
        level: Level::Warning,
        target: Target::GitLab,
        blocks: false,
        summary: "a job downloads the same artifact from several parallel jobs",
        reason: "The last one downloaded replaces the others (https://docs.gitlab.com/ci/yaml/#artifacts).",
        bad: "a: {script: [x], artifacts: {paths: [d.txt]}, parallel: {matrix: [{A: [x, y]}]}}\nb: {script: [x], needs: [a]}\n",
        good: "a: {script: [x], artifacts: {paths: [d-$A.txt]}, parallel: {matrix: [{A: [x, y]}]}}\nb: {script: [x], needs: [a]}\n",
    };

    ENTRYPOINT = Rule {
        id: "TK560",
        level: Level::Warning,
        target: Target::GitLab,
        blocks: false,
        summary: "a builder image without `entrypoint: [\"\"]`",
        reason: "Its own entry point runs instead of the shell (https://docs.gitlab.com/ci/docker/using_buildkit/).",
        bad: "a:\n  image: moby/buildkit:v0.25.0-rootless\n  script: [x]\n",
        good: "a:\n  image: {name: \"moby/buildkit:v0.25.0-rootless\", entrypoint: [\"\"]}\n  script: [x]\n",
    };

    ARCHIVED = Rule {
        id: "TK561",
        level: Level::Warning,
        target: Target::GitLab,
        blocks: false,
        summary: "Google's kaniko, which is archived",
        reason: "It has had no fixes since June 2025; osscontainertools/kaniko is maintained \
                 (https://github.com/osscontainertools/kaniko).",
        bad: "a:\n  image: {name: \"gcr.io/kaniko-project/executor:v1.24.0-debug\", entrypoint: [\"\"]}\n  script: [x]\n",
        good: "a:\n  image: {name: \"ghcr.io/osscontainertools/kaniko:v1.28.3-debug\", entrypoint: [\"\"]}\n  script: [x]\n",
    };

    UNPINNED = Rule {
        id: "TK562",
        level: Level::Warning,
        target: Target::GitLab,
        blocks: false,
        summary: "an image whose tag can move",
        reason: "The same commit produces a different build tomorrow \
                 (https://docs.docker.com/build/building/best-practices/#pin-base-image-versions).",
        bad: "a:\n  image: alpine:latest\n  script: [x]\n",
        good: "a:\n  image: alpine:3.23\n  script: [x]\n",
    };

    ENDED = Rule {
        id: "TK563",
        level: Level::Warning,
        target: Target::GitLab,
        blocks: false,
        summary: "an image of a release that has reached end of life",
        reason: "It gets no security fixes (https://endoflife.date).",
        bad: "a:\n  image: fedora:36\n  script: [x]\n",
        good: "a:\n  image: fedora:43\n  script: [x]\n",
    };

    ARCHITECTURE = Rule {
        id: "TK564",
        level: Level::Warning,
        target: Target::GitLab,
        blocks: false,
        summary: "a command or image for another architecture than the runner's",
        reason: "It fails with `exec format error`, or runs slowly in emulation \
                 (https://docs.gitlab.com/ci/yaml/#tags).",
        bad: "a:\n  tags: [arm64]\n  script: [/kaniko/executor --custom-platform=linux/amd64]\n",
        good: "a:\n  tags: [arm64]\n  script: [/kaniko/executor --custom-platform=linux/arm64]\n",
    };

    MANIFEST_LACKS = Rule {
        id: "TK565",
        level: Level::Warning,
        target: Target::GitLab,
        blocks: false,
        summary: "a multi-architecture image lacks an architecture that was built",
        reason: "Machines of that architecture cannot pull it (observed).",
        bad: "b: {stage: build, tags: [$A], script: [x], parallel: {matrix: [{A: [amd64, arm64]}]}}\nm:\n  script:\n    - podman manifest create i\n    - podman manifest add i docker://i-amd64\n",
        good: "b: {stage: build, tags: [$A], script: [x], parallel: {matrix: [{A: [amd64, arm64]}]}}\nm:\n  script:\n    - podman manifest create i\n    - podman manifest add i docker://i-amd64\n    - podman manifest add i docker://i-arm64\n",
    };

    MANIFEST_EARLY = Rule {
        id: "TK566",
        level: Level::Warning,
        target: Target::GitLab,
        blocks: false,
        summary: "a multi-architecture image is assembled before its parts are built",
        reason: "It uses the images of an earlier pipeline, or finds none (observed).",
        bad: "b: {tags: [$A], script: [x], parallel: {matrix: [{A: [amd64, arm64]}]}}\nm:\n  script:\n    - podman manifest create i-amd64 i-arm64\n",
        good: "b: {tags: [$A], script: [x], parallel: {matrix: [{A: [amd64, arm64]}]}}\nm:\n  needs: [b]\n  script:\n    - podman manifest create i-amd64 i-arm64\n",
    };

    WRAPS = Rule {
        id: "TK580",
        level: Level::Warning,
        target: Target::GitLab,
        blocks: false,
        summary: "`base64` wraps its output",
        reason: "Long credentials are split over two lines, which JSON does not allow \
                 (https://www.gnu.org/software/coreutils/base64).",
        bad: "a:\n  script:\n    - AUTH=$(echo \"$USER:$PASSWORD\" | base64)\n",
        good: "a:\n  script:\n    - AUTH=$(echo \"$USER:$PASSWORD\" | base64 -w0)\n",
    };

    DELETES_N = Rule {
        id: "TK581",
        level: Level::Warning,
        target: Target::GitLab,
        blocks: false,
        summary: "`tr` deletes the letter n instead of line breaks",
        reason: "The backslash of `\\n` is lost, and credentials lose every n (observed: the article on Graviton).",
        bad: "a:\n  script:\n    - AUTH=$(echo $X | base64 | tr -d 'n')\n",
        good: "a:\n  script:\n    - AUTH=$(echo $X | base64 | tr -d '\\n')\n",
    };

    JSON = Rule {
        id: "TK582",
        level: Level::Warning,
        target: Target::GitLab,
        blocks: false,
        summary: "the shell removes the quotes from JSON",
        reason: "Double quotes inside double quotes end the string; the file that is written is not JSON (observed: \
                 the article on Graviton).",
        bad: "a:\n  script:\n    - |\n      echo \"{\"auths\":{}}\" > c.json\n",
        good: "a:\n  script:\n    - |\n      echo '{\"auths\":{}}' > c.json\n",
    };

    PASSWORD = Rule {
        id: "TK583",
        level: Level::Warning,
        target: Target::GitLab,
        blocks: false,
        summary: "a password passed as an argument",
        reason: "Every process on the machine can read it; use `--password-stdin` \
                 (https://docs.docker.com/reference/cli/docker/login/).",
        bad: "a:\n  script:\n    - docker login -u u -p $CI_REGISTRY_PASSWORD r\n",
        good: "a:\n  script:\n    - echo \"$CI_REGISTRY_PASSWORD\" | docker login -u u --password-stdin r\n",
    };

    ECHOED = Rule {
        id: "TK584",
        level: Level::Warning,
        target: Target::GitLab,
        blocks: false,
        summary: "a secret is written to the log",
        reason: "Masking hides only some values (https://docs.gitlab.com/ci/variables/#mask-a-cicd-variable).",
        bad: "a:\n  script:\n    - echo $CI_REGISTRY_PASSWORD\n",
        good: "a:\n  script:\n    - echo $CI_REGISTRY_PASSWORD > password\n",
    };

    PLAIN_SECRET = Rule {
        id: "TK585",
        level: Level::Warning,
        target: Target::GitLab,
        blocks: false,
        summary: "a secret in the file",
        reason: "Everybody who can read the repository can read it \
                 (https://docs.gitlab.com/ci/variables/#cicd-variable-security).",
        bad: "variables:\n  T: glpat-aaaaaaaaaaaaaaaaaaaa\na: {script: [x]}\n",
        good: "variables:\n  T: $TOKEN\na: {script: [x]}\n",
    };

    PIPED = Rule {
        id: "TK586",
        level: Level::Warning,
        target: Target::GitLab,
        blocks: false,
        summary: "a script from the network runs unchecked",
        reason: "Whoever controls that server runs commands here; download the script and check its digest first \
                 (observed).",
        bad: "a:\n  script:\n    - curl -sSf https://x.io/i.sh | bash\n",
        good: "a:\n  script:\n    - toolkit fetch https://x.io/i.sh --digest sha256:00 --output i.sh\n",
    };

    INSTALLS = Rule {
        id: "TK587",
        level: Level::Note,
        target: Target::GitLab,
        blocks: false,
        summary: "the image builder is installed again in every job",
        reason: "It is slow, and installs another version every week; use an image that includes it (observed).",
        bad: "a:\n  script:\n    - yum -y install podman\n",
        good: "a:\n  script:\n    - yum -y install make\n",
    };
}
