//! Answers commands that do not exist: those that other tools have, and misspelt ones. It never proposes one that destroys
//! for a word that only looks similar.

use std::ffi::OsString;
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::render::{self, Failure};
use crate::model::did_you_mean;

/// What a command of other tools is called here.
struct Elsewhere {
    /// Its names in asdf, mise, uv, cargo, npm, nvm, sdkman and the like.
    names: &'static [&'static str],
    /// What to do instead.
    answer: &'static str,
}

const ELSEWHERE: &[Elsewhere] = &[
    Elsewhere {
        names: &["run", "x", "r", "task", "tool"],
        answer: "`toolkit exec -- COMMAND` runs a command with the project's tools",
    },
    Elsewhere {
        names: &["uninstall", "rm", "delete", "un"],
        answer: "`toolkit remove TOOL@VERSION` removes an install; `toolkit list` shows what is installed",
    },
    Elsewhere {
        names: &["upgrade", "update", "up", "outdated"],
        answer: "`toolkit lock --upgrade` takes newer versions into toolkit.lock, and `toolkit install` installs them",
    },
    Elsewhere {
        names: &["i", "add-tool", "download", "get"],
        answer: "`toolkit install TOOL@CHANNEL` installs a tool",
    },
    Elsewhere { names: &["ls", "installed", "list-installed"], answer: "`toolkit list` shows what is installed" },
    Elsewhere {
        names: &["current", "status"],
        answer: "`toolkit resolve` shows the versions that the project means, and `toolkit list` what is installed",
    },
    Elsewhere {
        names: &["ls-remote", "list-remote", "list-all", "ls-all", "search", "available", "info", "latest"],
        answer: "`toolkit resolve --explain TOOL@CHANNEL` lists the versions that upstream has",
    },
    Elsewhere {
        names: &["use", "add", "pin", "set", "local", "global", "default"],
        answer: "name the tool in toolkit.toml, such as `go = \"1.27\"` below `[tools]`, and run `toolkit install`; `toolkit init` \
                 writes that file",
    },
    Elsewhere {
        names: &["shell", "activate", "hook", "hook-env", "direnv"],
        answer: "`toolkit env` prints the variables for a shell, and `toolkit exec -- COMMAND` needs none",
    },
    Elsewhere {
        names: &["self-update", "selfupdate", "self", "upgrade-self"],
        answer: "toolkit does not replace itself; update it the way it was installed: the package, the image, or the binary of a \
                 newer release",
    },
    Elsewhere { names: &["where", "bin-paths", "bin"], answer: "`toolkit which NAME` shows the file that would run" },
    Elsewhere {
        names: &["doctor", "check-health"],
        answer: "`toolkit verify` compares the installs with what was received",
    },
    Elsewhere {
        names: &["sync", "ci", "restore"],
        answer: "`toolkit install --locked` installs exactly what toolkit.lock pins",
    },
    Elsewhere { names: &["generate"], answer: "`toolkit gen` writes pipeline files" },
    Elsewhere {
        names: &["clean", "gc", "cleanup", "autoremove"],
        answer: "`toolkit prune --dry-run` shows what no project needs",
    },
    Elsewhere {
        names: &["config", "settings", "plugin", "plugins", "alias"],
        answer: "settings are in toolkit.toml, and `[tools.NAME]` there defines a tool; `toolkit init` writes one",
    },
];

/// Commands that are not proposed because a word looks like theirs.
const DESTRUCTIVE: &[&str] = &["remove", "prune", "stop", "repair"];

/// Answers a refusal of the command line, if it is about a command that does not exist.
pub(super) fn answer(refusal: &clap::Error, definition: &mut clap::Command) -> Option<ExitCode> {
    if refusal.kind() != ErrorKind::InvalidSubcommand {
        return None;
    }
    let Some(ContextValue::String(word)) = refusal.get(ContextKind::InvalidSubcommand) else { return None };
    // Gives every command its full name.
    definition.build();
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    let at = arguments.iter().position(|argument| argument.to_str() == Some(word))?;
    let (before, after) = (&arguments[..at], &arguments[at + 1..]);
    let path: Vec<&str> = before.iter().filter_map(|argument| argument.to_str()).collect();
    match word.as_str() {
        "version" if parent(definition, &path).get_name() == definition.get_name() => again(definition, &["--version"]),
        "help" => help(definition, &path, after),
        _ => Some(refuse(definition, &path, word)),
    }
}

/// Finds the command that is meant: the last one that the arguments name.
fn parent<'c>(definition: &'c clap::Command, path: &[&str]) -> &'c clap::Command {
    path.iter().fold(definition, |command, argument| command.find_subcommand(argument).unwrap_or(command))
}

/// Prints the help of the command that the words around `help` name.
fn help(definition: &mut clap::Command, path: &[&str], after: &[OsString]) -> Option<ExitCode> {
    let mut path: Vec<&str> = path.to_vec();
    for word in after.iter().filter_map(|argument| argument.to_str()).filter(|word| !word.starts_with('-')) {
        if parent(definition, &path).find_subcommand(word).is_none() {
            return Some(refuse(definition, &path, word));
        }
        path.push(word);
    }
    path.push("--help");
    again(definition, &path)
}

/// Parses other arguments, which ask for help or the version, and prints that.
fn again(definition: &mut clap::Command, arguments: &[&str]) -> Option<ExitCode> {
    let arguments = ["toolkit"].iter().chain(arguments);
    definition.try_get_matches_from_mut(arguments).err().map(|answer| super::refuse(&answer))
}

fn refuse(definition: &clap::Command, path: &[&str], word: &str) -> ExitCode {
    let parent = parent(definition, path);
    let hint = hint(word, parent, parent.get_name() == definition.get_name());
    let name = parent.get_bin_name().unwrap_or(parent.get_name());
    render::failure(&Failure::usage_with_hint(format!("`{name}` has no command `{word}`"), hint))
}

fn hint(word: &str, parent: &clap::Command, is_top: bool) -> String {
    let elsewhere = |word: &str| ELSEWHERE.iter().find(|one| is_top && one.names.contains(&word)).map(|one| one.answer);
    if let Some(answer) = elsewhere(word) {
        return answer.to_owned();
    }
    let names = || parent.get_subcommands().map(clap::Command::get_name);
    // Words of one or two letters are near to everything.
    let others = ELSEWHERE.iter().filter(|_| is_top).flat_map(|one| one.names).copied().filter(|name| name.len() > 3);
    let near = did_you_mean(word, names().chain(others));
    let path = parent.get_bin_name().unwrap_or(parent.get_name());
    match near {
        Some(near) if elsewhere(near).is_some() => elsewhere(near).unwrap_or_default().to_owned(),
        Some(near) if !DESTRUCTIVE.contains(&near) || (word.len() > 2 && near.starts_with(word)) => {
            format!("did you mean `{path} {near}`?")
        }
        _ => format!("`{path} --help` lists the commands"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(word: &str, parent: &[&str]) -> String {
        let mut definition = crate::cli::definition();
        definition.build();
        hint(word, super::parent(&definition, parent), parent.is_empty())
    }

    #[test]
    fn commands_of_other_tools_are_answered_with_ours() {
        for (word, expected) in [
            ("run", "toolkit exec -- COMMAND"),
            ("x", "toolkit exec -- COMMAND"),
            ("uninstall", "toolkit remove TOOL@VERSION"),
            ("unistall", "toolkit remove TOOL@VERSION"),
            ("upgrade", "toolkit lock --upgrade"),
            ("updte", "toolkit lock --upgrade"),
            ("outdated", "toolkit lock --upgrade"),
            ("ls", "toolkit list"),
            ("current", "toolkit resolve"),
            ("ls-remote", "toolkit resolve --explain"),
            ("use", "toolkit.toml"),
            ("self-update", "does not replace itself"),
            ("instal", "did you mean `toolkit install`?"),
            ("lokc", "did you mean `toolkit lock`?"),
            ("prun", "did you mean `toolkit prune`?"),
            ("frobnicate", "`toolkit --help` lists"),
        ] {
            assert!(answered(word, &[]).contains(expected), "{word}: {}", answered(word, &[]));
        }
        assert!(answered("inspct", &["image"]).contains("did you mean `toolkit image inspect`?"));
        assert!(answered("ls", &["image"]).contains("`toolkit image --help`"));
    }

    #[test]
    fn a_similar_word_never_leads_to_a_command_that_destroys() {
        for word in ["run", "ls-remote", "remote", "purge", "rune", "removal", "prone", "upgrade", "repain", "p"] {
            let hint = answered(word, &[]);
            assert!(!hint.contains("did you mean"), "{word}: {hint}");
        }
        for word in ["top", "step", "shop"] {
            assert!(!answered(word, &["build"]).contains("stop"), "{word}");
        }
    }

    #[test]
    fn no_answer_is_given_for_a_command_that_exists() {
        let definition = crate::cli::definition();
        let names: Vec<_> = ELSEWHERE.iter().flat_map(|one| one.names).collect();
        assert!(definition.get_subcommands().all(|command| !names.contains(&&command.get_name())));
    }
}
