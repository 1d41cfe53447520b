//! The rules for any YAML.

use crate::lint::rule::rules;
use crate::lint::{Level, Rule, Target};

rules! {
    SYNTAX = Rule {
        id: "TK001",
        level: Level::Error,
        target: Target::Yaml,
        blocks: true,
        summary: "the file is not valid YAML",
        reason: "Neither CodeBuild (YAML_FILE_ERROR in DOWNLOAD_SOURCE) nor GitLab can read any of it: \
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
        summary: "a key appears twice in one map",
        reason: "Keys must be unique: some parsers reject the file, others silently keep only the last value (GitLab does, \
                 so it is a warning there): https://yaml.org/spec/1.2.2/#3213-node-comparison",
        bad: "build:\n  script: make\nbuild:\n  script: make arm",
        good: "build:\n  script: make\nbuild-arm:\n  script: make arm",
    };

    MERGE_TWICE = Rule {
        id: "TK004",
        level: Level::Warning,
        target: Target::Yaml,
        blocks: false,
        summary: "`<<` appears twice in one map",
        reason: "Some parsers reject a second `<<` as a duplicate key, others merge only one of them; a single `<<` \
                 takes a list: https://yaml.org/type/merge.html",
        bad: "a: &a {x: 1}\nb: &b {y: 2}\nc:\n  <<: *a\n  <<: *b",
        good: "a: &a {x: 1}\nb: &b {y: 2}\nc:\n  <<: [*a, *b]",
    };

    LIST_DASH = Rule {
        id: "TK005",
        level: Level::Error,
        target: Target::Yaml,
        blocks: true,
        summary: "a typographic dash is used where a list item needs `-`",
        reason: "Web pages and word processors turn `-` into – or —, which YAML reads as text, so there is no list \
                 (observed).",
        bad: "commands:\n  – make\n  – make test",
        good: "commands:\n  - make\n  - make test",
    };

    OPTION_DASH = Rule {
        id: "TK006",
        level: Level::Error,
        target: Target::Yaml,
        blocks: true,
        summary: "a typographic dash is used where an option needs `-` or `--`",
        reason: "The program receives – or — as text and sees no option (observed: AWS's .NET 7 article prints \
                 `–channel STS`).",
        bad: "commands:\n  - dotnet-install.sh –channel STS",
        good: "commands:\n  - dotnet-install.sh --channel STS",
    };

    CURLY_QUOTE = Rule {
        id: "TK007",
        level: Level::Warning,
        target: Target::Yaml,
        blocks: false,
        summary: "curly quotes are used where straight quotes are needed",
        reason: "“ ” ‘ ’ quote nothing: they have no meaning in YAML or in a shell, and become part of the text \
                 (observed).",
        bad: "image: “node:24”",
        good: "image: \"node:24\"",
    };

    INVISIBLE = Rule {
        id: "TK008",
        level: Level::Warning,
        target: Target::Yaml,
        blocks: false,
        summary: "an invisible character, or one that only looks like a space",
        reason: "A no-break space does not separate words, and a zero-width character makes a different name that \
                 looks the same: the shell reports \"command not found\" (observed).",
        bad: "commands:\n  - docker\u{a0}build .",
        good: "commands:\n  - docker build .",
    };

    DIRECTION = Rule {
        id: "TK009",
        level: Level::Warning,
        target: Target::Yaml,
        blocks: false,
        summary: "a character that changes the direction of the text",
        reason: "What people read is not what machines run: CVE-2021-42574, https://trojansource.codes",
        bad: "commands:\n  - make \u{202e}tset",
        good: "commands:\n  - make test",
    };

    TRUTH = Rule {
        id: "TK010",
        level: Level::Warning,
        target: Target::Yaml,
        blocks: false,
        summary: "an unquoted word that YAML 1.1 reads as true or false",
        reason: "GitLab's parser and many others read unquoted on, off, yes and no as booleans, so a key `on` is not \
                 text, and `no` is not a country code: https://yaml.org/type/bool.html",
        bad: "countries: [de, no, se]",
        good: "countries: [de, \"no\", se]",
    };

    NUMBER = Rule {
        id: "TK011",
        level: Level::Warning,
        target: Target::Yaml,
        blocks: false,
        summary: "a number that YAML 1.1 reads in base 8 or 60",
        reason: "YAML 1.1 reads 0755 as 493 and 22:22 as 1342, YAML 1.2 does not; quotes make the value the same \
                 everywhere: https://yaml.org/type/int.html",
        bad: "ports:\n  - 22:22",
        good: "ports:\n  - \"22:22\"",
    };

    LOST_ZERO = Rule {
        id: "TK012",
        level: Level::Warning,
        target: Target::Yaml,
        blocks: false,
        summary: "an unquoted version loses its trailing zero",
        reason: "1.20 is the number 1.2, and 3.10 is 3.1: https://yaml.org/type/float.html",
        bad: "variables:\n  GO_VERSION: 1.20",
        good: "variables:\n  GO_VERSION: \"1.20\"",
    };

    KEY_KIND = Rule {
        id: "TK013",
        level: Level::Error,
        target: Target::Yaml,
        blocks: true,
        summary: "a key that is not text",
        reason: "YAML allows a list, a map or nothing as a key, but no pipeline file has such keys; often the quotes \
                 around a `{{ name }}` are missing (observed).",
        bad: "image: {{ name }}",
        good: "image: \"{{ name }}\"",
    };

    DOCUMENTS = Rule {
        id: "TK014",
        level: Level::Warning,
        target: Target::Buildspec,
        blocks: false,
        summary: "the file has several documents, but only one is read",
        reason: "CodeBuild reads only the first document. GitLab reads two when the first is a `spec` header: \
                 https://docs.gitlab.com/ci/yaml/#header-keywords",
        bad: "version: 0.2\nphases: {build: {commands: [make]}}\n---\nversion: 0.2",
        good: "version: 0.2\nphases: {build: {commands: [make]}}",
    };

    EMPTY = Rule {
        id: "TK015",
        level: Level::Error,
        target: Target::Yaml,
        blocks: true,
        summary: "the file is empty",
        reason: "It is empty or has only comments, so CodeBuild and GitLab have nothing to do (observed).",
        bad: "# version: 0.2\n",
        good: "version: 0.2\n",
    };

    TOO_MUCH = Rule {
        id: "TK016",
        level: Level::Error,
        target: Target::Yaml,
        blocks: true,
        summary: "the file nests too deeply, or its aliases expand too far",
        reason: "GitLab stops at 100 levels and 2 MiB: https://docs.gitlab.com/administration/instance_limits/",
        bad: "a: &a [x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x]\nb: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a]\nc: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b, *b, *b, *b, *b, *b, *b, *b, *b, *b, *b, *b]\nd: &d [*c, *c, *c, *c, *c, *c, *c, *c, *c, *c, *c, *c, *c, *c, *c, *c, *c, *c, *c, *c]\ne: &e [*d, *d, *d, *d, *d, *d, *d, *d, *d, *d, *d, *d, *d, *d, *d, *d, *d, *d, *d, *d]\nf: [*e, *e]\n",
        good: "a: &a [x, x]\nb: [*a, *a]\n",
    };

    /// The examples of rules are text; the tests have a binary file.
    NO_TEXT = Rule {
        id: "TK017",
        level: Level::Error,
        target: Target::Yaml,
        blocks: true,
        summary: "the file is not UTF-8 text",
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
        summary: "some YAML parsers reject the file",
        reason: "The grammar forbids it. libyaml, which the services use, accepts it today; editors and other tools \
                 may not (observed).",
        bad: "image: 'node:24'# comment",
        good: "image: 'node:24' # comment",
    };
}
