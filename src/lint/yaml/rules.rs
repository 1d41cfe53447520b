//! The table of the rules for any YAML.

use crate::lint::rule::rules;
use crate::lint::{Level, Rule, Target};

rules! {
    SYNTAX = Rule {
        id: "TK001",
        level: Level::Error,
        target: Target::Yaml,
        blocks: true,
        summary: "the file is not YAML",
        reason: "Neither CodeBuild (YAML_FILE_ERROR in DOWNLOAD_SOURCE) nor GitLab reads anything of it: \
                 https://yaml.org/spec/1.2.2/",
        bad: "version: [0.2",
        good: "version: 0.2",
    };

    TAB = Rule {
        id: "TK002",
        level: Level::Error,
        target: Target::Yaml,
        blocks: true,
        summary: "a tab in the indentation",
        reason: "YAML indents with spaces only; CodeBuild says \"found character that cannot start any token\": \
                 https://yaml.org/spec/1.2.2/#61-indentation-spaces",
        bad: "phases:\n\tbuild: {}",
        good: "phases:\n  build: {}",
    };

    DUPLICATE = Rule {
        id: "TK003",
        level: Level::Error,
        target: Target::Yaml,
        blocks: true,
        summary: "a key stands twice in one map",
        reason: "Keys must be unique: some readers refuse the file, the others keep the last value and lose the first \
                 without a word: https://yaml.org/spec/1.2.2/#3213-node-comparison",
        bad: "build:\n  script: make\nbuild:\n  script: make arm",
        good: "build:\n  script: make\nbuild-arm:\n  script: make arm",
    };

    MERGE_TWICE = Rule {
        id: "TK004",
        level: Level::Warning,
        target: Target::Yaml,
        blocks: false,
        summary: "`<<` stands twice in one map",
        reason: "Some readers refuse a second `<<` as a duplicate key, others merge only one; one `<<` takes a list: \
                 https://yaml.org/type/merge.html",
        bad: "a: &a {x: 1}\nb: &b {y: 2}\nc:\n  <<: *a\n  <<: *b",
        good: "a: &a {x: 1}\nb: &b {y: 2}\nc:\n  <<: [*a, *b]",
    };

    LIST_DASH = Rule {
        id: "TK005",
        level: Level::Error,
        target: Target::Yaml,
        blocks: true,
        summary: "a dash of a web page stands where the `-` of a list must be",
        reason: "Web pages and word processors turn `-` into – or —, which YAML takes for text: the list is none \
                 (observed).",
        bad: "commands:\n  – make\n  – make test",
        good: "commands:\n  - make\n  - make test",
    };

    OPTION_DASH = Rule {
        id: "TK006",
        level: Level::Error,
        target: Target::Yaml,
        blocks: true,
        summary: "a dash of a web page stands where the `-` or `--` of an option must be",
        reason: "The program gets – or — as text and sees no option (observed: AWS's .NET 7 article prints `–channel \
                 STS`).",
        bad: "commands:\n  - dotnet-install.sh –channel STS",
        good: "commands:\n  - dotnet-install.sh --channel STS",
    };

    CURLY_QUOTE = Rule {
        id: "TK007",
        level: Level::Warning,
        target: Target::Yaml,
        blocks: false,
        summary: "curly quotes stand where straight ones must be",
        reason: "“ ” ‘ ’ quote nothing: neither YAML nor a shell knows them, and they become part of the text \
                 (observed).",
        bad: "image: “node:24”",
        good: "image: \"node:24\"",
    };

    INVISIBLE = Rule {
        id: "TK008",
        level: Level::Warning,
        target: Target::Yaml,
        blocks: false,
        summary: "a character that looks like a space, or like nothing, and is neither",
        reason: "A no-break space separates no words, and a zero-width one makes another name of the same look: the \
                 shell says \"command not found\" (observed).",
        bad: "commands:\n  - docker\u{a0}build .",
        good: "commands:\n  - docker build .",
    };

    DIRECTION = Rule {
        id: "TK009",
        level: Level::Warning,
        target: Target::Yaml,
        blocks: false,
        summary: "a character that turns the direction of writing",
        reason: "What people read is not what machines run: CVE-2021-42574, https://trojansource.codes",
        bad: "commands:\n  - make \u{202e}tset",
        good: "commands:\n  - make test",
    };

    TRUTH = Rule {
        id: "TK010",
        level: Level::Warning,
        target: Target::Yaml,
        blocks: false,
        summary: "a word that YAML 1.1 reads as true or false stands where a text is meant",
        reason: "GitLab's reader and many others take on, off, yes and no without quotes for truth values, so a key \
                 `on` is no text, and `no` is no country: https://yaml.org/type/bool.html",
        bad: "countries: [de, no, se]",
        good: "countries: [de, \"no\", se]",
    };

    NUMBER = Rule {
        id: "TK011",
        level: Level::Warning,
        target: Target::Yaml,
        blocks: false,
        summary: "a number that is read in base 8 or 60",
        reason: "YAML 1.1 reads 0755 as 493 and 22:22 as 1342, YAML 1.2 does not; quotes make it one thing: \
                 https://yaml.org/type/int.html",
        bad: "ports:\n  - 22:22",
        good: "ports:\n  - \"22:22\"",
    };

    LOST_ZERO = Rule {
        id: "TK012",
        level: Level::Warning,
        target: Target::Yaml,
        blocks: false,
        summary: "a version without quotes loses its last zero",
        reason: "1.20 is the number 1.2, and 3.10 is 3.1: https://yaml.org/type/float.html",
        bad: "variables:\n  GO_VERSION: 1.20",
        good: "variables:\n  GO_VERSION: \"1.20\"",
    };

    KEY_KIND = Rule {
        id: "TK013",
        level: Level::Error,
        target: Target::Yaml,
        blocks: true,
        summary: "a key that is no text",
        reason: "A list, a map or nothing as a key is YAML, but no pipeline file has such keys; often a `{{ name }}` \
                 lacks its quotes (observed).",
        bad: "image: {{ name }}",
        good: "image: \"{{ name }}\"",
    };

    DOCUMENTS = Rule {
        id: "TK014",
        level: Level::Warning,
        target: Target::Buildspec,
        blocks: false,
        summary: "the file has several documents, and one is read",
        reason: "CodeBuild reads the first document. GitLab takes two when the first is a `spec` header: \
                 https://docs.gitlab.com/ci/yaml/#header-keywords",
        bad: "version: 0.2\nphases: {build: {commands: [make]}}\n---\nversion: 0.2",
        good: "version: 0.2\nphases: {build: {commands: [make]}}",
    };

    EMPTY = Rule {
        id: "TK015",
        level: Level::Error,
        target: Target::Yaml,
        blocks: true,
        summary: "the file says nothing",
        reason: "It is empty, or has only comments: neither CodeBuild nor GitLab has anything to do (observed).",
        bad: "# version: 0.2\n",
        good: "version: 0.2\n",
    };

    TOO_MUCH = Rule {
        id: "TK016",
        level: Level::Error,
        target: Target::Yaml,
        blocks: true,
        summary: "the file nests too deeply, or its aliases expand without end",
        reason: "GitLab stops at 100 levels and 2 MiB: https://docs.gitlab.com/administration/instance_limits/",
        bad: "a: &a [x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x]\nb: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a]\nc: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b, *b, *b, *b, *b, *b, *b, *b, *b, *b, *b, *b]\nd: &d [*c, *c, *c, *c, *c, *c, *c, *c, *c, *c, *c, *c, *c, *c, *c, *c, *c, *c, *c, *c]\ne: &e [*d, *d, *d, *d, *d, *d, *d, *d, *d, *d, *d, *d, *d, *d, *d, *d, *d, *d, *d, *d]\nf: [*e, *e]\n",
        good: "a: &a [x, x]\nb: [*a, *a]\n",
    };

    /// Its examples are text, as rules' examples are; the file that is none is in the tests.
    NO_TEXT = Rule {
        id: "TK017",
        level: Level::Error,
        target: Target::Yaml,
        blocks: true,
        summary: "the file is no UTF-8 text",
        reason: "It is binary, UTF-16, or larger than 16 MiB; CodeBuild and GitLab read UTF-8 text: \
                 https://yaml.org/spec/1.2.2/#52-character-encodings",
        bad: "version\u{0}: 0.2",
        good: "version: 0.2",
    };

    DISAGREE = Rule {
        id: "TK018",
        level: Level::Warning,
        target: Target::Yaml,
        blocks: false,
        summary: "some readers of YAML refuse the file",
        reason: "The grammar forbids it, and libyaml, which the services read with, lets it pass today; editors and \
                 other tools may not (observed).",
        bad: "image: 'node:24'# comment",
        good: "image: 'node:24' # comment",
    };
}
