//! Versions that have reached end of life on the day of the check.

use super::runtimes::runtimes;
use super::shell::{Line, is_assignment, lines, place};
use super::{Context, Findings, Level, Rule, Target};
use crate::format::buildspec::Text;
use crate::lint::rule::rules;
use crate::model::Date;

rules! {
    COMMAND = Rule {
        id: "TK129",
        level: Level::Warning,
        target: Target::Buildspec,
        blocks: false,
        summary: "a command uses a version that has reached end of life",
        reason: "It gets no security fixes (https://endoflife.date and the projects' own pages).",
        bad: "version: 0.2\nphases:\n  install:\n    commands:\n      - ./dotnet-install.sh --channel 7.0\n",
        good: "version: 0.2\nphases:\n  install:\n    commands:\n      - ./dotnet-install.sh --channel 10.0\n",
    };

    RUNTIME = Rule {
        id: "TK145",
        level: Level::Warning,
        target: Target::Buildspec,
        blocks: false,
        summary: "a runtime that has reached end of life",
        reason: "It gets no security fixes (https://endoflife.date and the projects' own pages).",
        bad: "version: 0.2\nphases:\n  install:\n    runtime-versions:\n      nodejs: 18\n",
        good: "version: 0.2\nphases:\n  install:\n    runtime-versions:\n      nodejs: 24\n",
    };
}

/// The last day of a release line.
struct End {
    runtime: &'static str,
    line: &'static str,
    day: Date,
}

/// The end-of-life dates since CodeBuild exists, from <https://dotnet.microsoft.com/platform/support/policy>,
/// <https://github.com/nodejs/Release>, <https://devguide.python.org/versions/>, <https://go.dev/doc/devel/release>,
/// <https://www.php.net/supported-versions.php>, <https://www.ruby-lang.org/en/downloads/branches/>.
const ENDS: &[End] = &[
    end("dotnet", "3.1", 2022, 12, 13),
    end("dotnet", "5.0", 2022, 5, 10),
    end("dotnet", "6.0", 2024, 11, 12),
    end("dotnet", "7.0", 2024, 5, 14),
    end("dotnet", "8.0", 2026, 11, 10),
    end("dotnet", "9.0", 2026, 11, 10),
    end("dotnet", "10.0", 2028, 11, 14),
    end("golang", "1.12", 2020, 2, 25),
    end("golang", "1.13", 2020, 8, 11),
    end("golang", "1.14", 2021, 2, 16),
    end("golang", "1.15", 2021, 8, 16),
    end("golang", "1.16", 2022, 3, 15),
    end("golang", "1.17", 2022, 8, 2),
    end("golang", "1.18", 2023, 2, 1),
    end("golang", "1.19", 2023, 9, 6),
    end("golang", "1.20", 2024, 2, 6),
    end("golang", "1.21", 2024, 8, 13),
    end("golang", "1.22", 2025, 2, 11),
    end("golang", "1.23", 2025, 8, 12),
    end("golang", "1.24", 2026, 2, 10),
    end("golang", "1.25", 2026, 8, 19),
    end("nodejs", "8", 2019, 12, 31),
    end("nodejs", "10", 2021, 4, 30),
    end("nodejs", "12", 2022, 4, 30),
    end("nodejs", "14", 2023, 4, 30),
    end("nodejs", "16", 2023, 9, 11),
    end("nodejs", "18", 2025, 4, 30),
    end("nodejs", "20", 2026, 4, 30),
    end("nodejs", "22", 2027, 4, 30),
    end("nodejs", "24", 2028, 4, 30),
    end("python", "2.7", 2020, 1, 1),
    end("python", "3.6", 2021, 12, 23),
    end("python", "3.7", 2023, 6, 27),
    end("python", "3.8", 2024, 10, 7),
    end("python", "3.9", 2025, 10, 31),
    end("python", "3.10", 2026, 10, 31),
    end("python", "3.11", 2027, 10, 31),
    end("python", "3.12", 2028, 10, 31),
    end("python", "3.13", 2029, 10, 31),
    end("python", "3.14", 2030, 10, 31),
    end("php", "7.3", 2021, 12, 6),
    end("php", "7.4", 2022, 11, 28),
    end("php", "8.0", 2023, 11, 26),
    end("php", "8.1", 2025, 12, 31),
    end("php", "8.2", 2026, 12, 31),
    end("php", "8.3", 2027, 12, 31),
    end("php", "8.4", 2028, 12, 31),
    end("ruby", "2.6", 2022, 4, 12),
    end("ruby", "2.7", 2023, 3, 31),
    end("ruby", "3.0", 2024, 4, 23),
    end("ruby", "3.1", 2025, 3, 26),
    end("ruby", "3.2", 2026, 3, 31),
    end("ruby", "3.3", 2027, 3, 31),
];

const fn end(runtime: &'static str, line: &'static str, year: i16, month: i8, day: i8) -> End {
    End { runtime, line, day: Date::constant(year, month, day) }
}

/// Checks runtimes, and commands that install others.
pub(super) fn check(context: &Context<'_>, findings: &mut Findings) {
    for pair in runtimes(context) {
        if let Some(end) = ended(&pair.key.text, &pair.value.text, context.setting.today) {
            let message = format!("{} {} reached end of life on {}", end.runtime, end.line, end.day);
            findings.report(&RUNTIME, pair.value.span.clone(), message);
        }
    }
    let commands = context.buildspec.commands().map(|(_, command)| command);
    for command in commands.chain(&context.buildspec.loose) {
        for line in lines(&command.text) {
            in_command(context, command, &line, findings);
        }
    }
}

fn in_command(context: &Context<'_>, command: &Text, line: &Line, findings: &mut Findings) {
    let mut words = line.text.split_whitespace().skip_while(|word| is_assignment(word)).peekable();
    let installs_dotnet = line.text.contains("dotnet-install");
    let first = words.peek().copied().unwrap_or_default().to_owned();
    let mut before = "";
    for word in words {
        let plain = word.trim_matches(['"', '\'', ';']);
        let option = before.trim_start_matches(['-', '–', '—']).to_lowercase();
        let found = if installs_dotnet && matches!(option.as_str(), "channel" | "c" | "version" | "v") {
            ended("dotnet", plain, context.setting.today)
        } else if first == "nvm" && matches!(before, "install" | "use") {
            ended("nodejs", plain.trim_start_matches('v'), context.setting.today)
        } else if first == "pyenv" && matches!(before, "install" | "global" | "local") {
            ended("python", plain, context.setting.today)
        } else if first == "dotnet" {
            framework(plain).and_then(|version| ended("dotnet", &version, context.setting.today))
        } else {
            None
        };
        if let Some(end) = found {
            let span = place(context.file.source, command, plain);
            let name = if end.runtime == "dotnet" { ".NET" } else { end.runtime };
            findings.report(&COMMAND, span, format!("{name} {} reached end of life on {}", end.line, end.day));
            return;
        }
        before = word;
    }
}

/// Returns the version in a target framework, `net7.0`, or in the name of a project, `Net7TestApp.sln`.
fn framework(word: &str) -> Option<String> {
    let file = word.rsplit(['/', '\\']).next().unwrap_or(word);
    let project = file.ends_with(".sln") || file.ends_with(".csproj") || file.ends_with(".fsproj");
    let rest = file.strip_prefix("net").or_else(|| file.strip_prefix("Net").filter(|_| project))?;
    let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (major, after) = rest.split_at(digits);
    let whole = after == ".0" || (project && after.starts_with(|c: char| c.is_ascii_uppercase() || c == '.'));
    ((1..=2).contains(&digits) && whole).then(|| format!("{major}.0"))
}

fn ended(runtime: &str, version: &str, today: Date) -> Option<&'static End> {
    let on = |end: &End| {
        version == end.line
            || version.strip_prefix(end.line).is_some_and(|rest| rest.starts_with('.'))
            || (end.line.strip_suffix(".0") == Some(version) && runtime == "dotnet")
    };
    ENDS.iter().find(|end| end.runtime == runtime && end.day < today && on(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_line_is_supported_until_its_last_day() {
        let day = |text: &str| text.parse::<Date>().unwrap();
        assert!(ended("nodejs", "18.x", day("2025-05-01")).is_some());
        assert!(ended("nodejs", "18", day("2025-04-30")).is_none());
        assert!(ended("golang", "1.20.14", day("2026-01-01")).is_some());
        assert!(ended("golang", "1.2", day("2026-01-01")).is_none());
        assert!(ended("python", "3.1", day("2026-01-01")).is_none());
        assert!(ended("python", "latest", day("2026-01-01")).is_none());
    }

    #[test]
    fn frameworks_are_read_from_names() {
        for (word, expected) in [
            ("net7.0", Some("7.0")),
            ("Net7TestApp/Net7TestApp.sln", Some("7.0")),
            ("network", None),
            ("Net.sln", None),
            ("net48", None),
            ("Networking.csproj", None),
        ] {
            assert_eq!(framework(word).as_deref(), expected, "{word}");
        }
    }
}
