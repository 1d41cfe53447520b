//! Finds images in shell commands, if they are certain: `docker run IMAGE` and `docker pull IMAGE` without variables.

/// Options of `docker run` and `docker pull` that take no value
/// (<https://docs.docker.com/reference/cli/docker/container/run/>).
const SWITCHES: &[&str] = &[
    "--rm",
    "--detach",
    "--interactive",
    "--tty",
    "--init",
    "--privileged",
    "--read-only",
    "--publish-all",
    "--no-healthcheck",
    "--oom-kill-disable",
    "--sig-proxy",
    "--quiet",
    "--all-tags",
    "--disable-content-trust",
];

/// Options that take a value, in the next word if there is no `=`.
const VALUES: &[&str] = &[
    "--add-host",
    "--annotation",
    "--attach",
    "--cap-add",
    "--cap-drop",
    "--cgroupns",
    "--cidfile",
    "--cpu-shares",
    "--cpus",
    "--cpuset-cpus",
    "--device",
    "--dns",
    "--entrypoint",
    "--env",
    "--env-file",
    "--expose",
    "--gpus",
    "--group-add",
    "--health-cmd",
    "--hostname",
    "--ipc",
    "--label",
    "--link",
    "--log-driver",
    "--log-opt",
    "--memory",
    "--memory-swap",
    "--mount",
    "--name",
    "--net",
    "--network",
    "--network-alias",
    "--pid",
    "--platform",
    "--publish",
    "--pull",
    "--restart",
    "--runtime",
    "--security-opt",
    "--shm-size",
    "--stop-signal",
    "--stop-timeout",
    "--sysctl",
    "--tmpfs",
    "--ulimit",
    "--user",
    "--userns",
    "--uts",
    "--volume",
    "--volumes-from",
    "--workdir",
];

/// One-letter options without and with a value.
const SHORT: (&str, &str) = ("ditPqa", "evwuphlmc");

/// What ends a command on its line.
const ENDS: &[&str] = &["&&", "||", ";", "|", "&"];

/// Lists the images that a script runs or pulls. Commands with variables, unknown options or unusual quotes are
/// skipped.
pub(super) fn pulled(script: &str) -> Vec<String> {
    let joined = script.replace("\\\n", " ");
    let mut found = Vec::new();
    for line in joined.lines().filter(|line| !line.trim_start().starts_with('#')) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let mut start = 0;
        for end in (0..=words.len()).filter(|at| words.get(*at).is_none_or(|word| ends(word))) {
            // The separator may be at the end of the last word: `docker pull a;`.
            let last = words.get(end).map(|word| word.trim_end_matches(';')).filter(|word| !word.is_empty());
            let last = last.filter(|word| !ENDS.contains(word));
            let command: Vec<&str> = words[start..end].iter().copied().chain(last).collect();
            found.extend(image(&command).map(str::to_owned));
            start = (end + 1).min(words.len());
        }
    }
    found
}

fn ends(word: &str) -> bool {
    ENDS.contains(&word) || word.ends_with(';')
}

fn image<'a>(words: &[&'a str]) -> Option<&'a str> {
    let mut words =
        words.iter().copied().skip_while(|word| matches!(*word, "sudo" | "time" | "if" | "then" | "do" | "!"));
    if !matches!(words.next()?, "docker" | "podman") {
        return None;
    }
    let verb = match words.next()? {
        "container" | "image" => words.next()?,
        verb => verb,
    };
    if !matches!(verb, "run" | "pull" | "create") {
        return None;
    }
    while let Some(word) = words.next() {
        if !word.starts_with('-') {
            let name = word.trim_matches(['"', '\'']);
            let plain = !name.is_empty() && !name.contains(['$', '`', '"', '\'', '(', '<', '>', '*', '{']);
            return plain.then_some(name);
        }
        if takes_value(word)? {
            let value = words.next()?;
            // A quoted value with a space continues in the next word.
            if value.matches('"').count() % 2 == 1 || value.matches('\'').count() % 2 == 1 {
                return None;
            }
        }
    }
    None
}

/// Returns true if the value of an option is the next word; none when the option is not known.
fn takes_value(word: &str) -> Option<bool> {
    let odd = word.matches(['"', '\'']).count() % 2 == 1;
    if odd {
        return None;
    }
    if word.starts_with("--") {
        let (name, joined) = word.split_once('=').map_or((word, false), |(name, _)| (name, true));
        return match () {
            () if VALUES.contains(&name) => Some(!joined),
            () if SWITCHES.contains(&name) => Some(false),
            () => None,
        };
    }
    let letters = &word[1..];
    let (switches, values) = SHORT;
    let valued = letters.find(|c| values.contains(c));
    let before = &letters[..valued.unwrap_or(letters.len())];
    if !before.chars().all(|c| switches.contains(c)) || letters.is_empty() {
        return None;
    }
    // `-eA=b` includes its value, `-e A=b` has it in the next word.
    Some(valued.is_some_and(|at| at + 1 == letters.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_certain_is_an_image() {
        for (script, expected) in [
            ("docker pull redis:7", &["redis:7"][..]),
            ("docker run --rm -it -v $PWD:/w -w /w golang:1.27 go test ./...", &["golang:1.27"]),
            ("sudo docker run -d --name db -e A=b -p 1:1 postgres:17 && echo done", &["postgres:17"]),
            ("echo a; docker pull b; docker pull c", &["b", "c"]),
            ("docker image pull \"a:1\"", &["a:1"]),
            ("podman run --platform=linux/arm64 a", &["a"]),
            ("docker run \\\n  --rm \\\n  a:1 sh", &["a:1"]),
            ("docker pull a | tail -1", &["a"]),
            ("docker run -eA=b a", &["a"]),
            ("# docker pull a\ndocker pull b", &["b"]),
            ("docker run --rm $IMAGE", &[]),
            ("docker run --mystery x a", &[]),
            ("docker run -e \"A=b c\" a", &[]),
            ("docker build -t a .", &[]),
            ("docker push a", &[]),
            ("echo docker pull a", &[]),
            ("docker run", &[]),
            ("docker pull a:${TAG:-1}", &[]),
            ("docker run -", &[]),
            ("", &[]),
        ] {
            assert_eq!(pulled(script), expected, "{script}");
        }
    }
}
