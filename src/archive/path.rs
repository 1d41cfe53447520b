//! Names in archives: which ones are taken, and what they become. No name is repaired; what is odd is refused.

use super::error::Refusal;

/// The longest path of Linux, and the longest part of one (<https://man7.org/linux/man-pages/man7/path_resolution.7.html>).
const LONGEST_PATH: usize = 4096;
const LONGEST_PART: usize = 255;
/// Each level holds an open folder while it is unpacked into, so depth is bounded well below the limit on open files.
const DEEPEST: usize = 128;

/// Whether this system has drives. Elsewhere `B::Deparse.3`, a manual page of Perl, is a name like any other.
const DRIVES: bool = cfg!(windows);

/// Reads an entry's name: relative, UTF-8, `/` between its parts; `.` and empty parts are dropped. Empty for the root.
///
/// # Errors
/// When the name is absolute, has `..`, a backslash, on Windows a drive, a control character, or is too long or too deep.
pub(super) fn clean(name: &[u8]) -> Result<String, Refusal> {
    let name = text(name)?;
    if name.starts_with('/') {
        return Err(Refusal::Absolute);
    }
    let mut path = String::with_capacity(name.len());
    let mut depth = 0;
    for part in name.split('/').filter(|part| !part.is_empty() && *part != ".") {
        check_part(part)?;
        if depth > 0 {
            path.push('/');
        }
        path.push_str(part);
        depth += 1;
    }
    if depth > DEEPEST { Err(Refusal::Deep) } else { Ok(path) }
}

/// Drops `count` leading parts of a clean path; `None` when nothing is left of it.
pub(super) fn strip(path: &str, count: usize) -> Option<&str> {
    let mut rest = path;
    for _ in 0..count {
        rest = rest.split_once('/')?.1;
    }
    (!rest.is_empty()).then_some(rest)
}

/// Returns the path of the folder that holds `path`; empty for the root.
pub(super) fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(parent, _)| parent)
}

/// Reads a symbolic link's target as it stands, for a link at `path`.
///
/// Parts that are links themselves are followed when all links are known ([`super::links`]).
///
/// # Errors
/// When the target is absolute (on Windows also by a drive), or leaves the tree read by its letters.
pub(super) fn link_target(path: &str, target: &[u8]) -> Result<String, Refusal> {
    let target = &any_target(target)?;
    let out = || Refusal::LinkOut { target: target.to_owned() };
    let mut depth = path.matches('/').count();
    if target.starts_with('/') || (DRIVES && begins_with_drive(target)) {
        return Err(out());
    }
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => depth = depth.checked_sub(1).ok_or_else(out)?,
            _ => depth += 1,
        }
    }
    Ok(target.to_owned())
}

/// Reads a symbolic link's target as it stands, wherever it leads.
///
/// # Errors
/// When it is empty, or no text that a path can have.
pub(super) fn any_target(target: &[u8]) -> Result<String, Refusal> {
    let target = text(target)?;
    if target.is_empty() { Err(Refusal::Empty) } else { Ok(target.to_owned()) }
}

fn text(name: &[u8]) -> Result<&str, Refusal> {
    let name = std::str::from_utf8(name).map_err(|_| Refusal::NotUnicode)?;
    match () {
        () if name.len() > LONGEST_PATH => Err(Refusal::LongPath),
        () if name.chars().any(char::is_control) => Err(Refusal::Control),
        () if name.contains('\\') => Err(Refusal::Backslash),
        () => Ok(name),
    }
}

fn check_part(part: &str) -> Result<(), Refusal> {
    match () {
        () if part == ".." => Err(Refusal::Parent),
        () if part.len() > LONGEST_PART => Err(Refusal::LongPart),
        () if DRIVES && begins_with_drive(part) => Err(Refusal::Drive),
        () if cfg!(windows) && !possible_on_windows(part) => Err(Refusal::Windows),
        () => Ok(()),
    }
}

fn begins_with_drive(part: &str) -> bool {
    matches!(part.as_bytes(), [letter, b':', ..] if letter.is_ascii_alphabetic())
}

/// Returns true if Windows takes the name as it is
/// (<https://learn.microsoft.com/en-us/windows/win32/fileio/naming-a-file>).
fn possible_on_windows(part: &str) -> bool {
    let stem = part.split('.').next().unwrap_or_default().trim_end().to_ascii_uppercase();
    let device = matches!(stem.as_str(), "CON" | "PRN" | "AUX" | "NUL" | "CONIN$" | "CONOUT$")
        || (stem.starts_with("COM") || stem.starts_with("LPT")) && stem.chars().count() == 4;
    !device && !part.contains(['<', '>', ':', '"', '|', '?', '*']) && !part.ends_with(['.', ' '])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_names_are_taken() {
        for (name, expected) in [
            ("go/bin/go", "go/bin/go"),
            ("./dotnet", "dotnet"),
            ("./", ""),
            (".", ""),
            ("a//b/./c/", "a/b/c"),
            ("perl/Foo::Bar.3pm", "perl/Foo::Bar.3pm"),
            ("ünï/…", "ünï/…"),
            ("..a/b..", "..a/b.."),
        ] {
            assert_eq!(clean(name.as_bytes()).as_deref(), Ok(expected), "{name:?}");
        }
    }

    #[test]
    fn odd_names_are_refused() {
        for (name, expected) in [
            (&b"/etc/passwd"[..], Refusal::Absolute),
            (b"//server/share", Refusal::Absolute),
            (b"a/../../b", Refusal::Parent),
            (b"..", Refusal::Parent),
            (b"a\\b", Refusal::Backslash),
            (b"a\0b", Refusal::Control),
            (b"a\x1b[2J", Refusal::Control),
            (b"a\xff", Refusal::NotUnicode),
            (&[b'a'; 256], Refusal::LongPart),
            (&b"aa/".repeat(1400), Refusal::LongPath),
            (&b"a/".repeat(129), Refusal::Deep),
        ] {
            assert_eq!(clean(name), Err(expected), "{}", String::from_utf8_lossy(name));
        }
    }

    #[test]
    fn a_drive_is_one_only_where_drives_are() {
        for name in ["C:", "a/c:b", "share/man/man3/B::Deparse.3", "X:/y"] {
            let expected = if DRIVES { Err(Refusal::Drive) } else { Ok(name.to_owned()) };
            assert_eq!(clean(name.as_bytes()), expected, "{name}");
        }
        for (part, drive) in [("C:", true), ("c:b", true), ("B::Deparse.3", true), ("Foo::Bar", false), ("1:2", false)]
        {
            assert_eq!(begins_with_drive(part), drive, "{part}");
        }
    }

    #[test]
    fn leading_parts_are_dropped() {
        for (path, count, expected) in [
            ("go/bin/go", 0, Some("go/bin/go")),
            ("go/bin/go", 1, Some("bin/go")),
            ("go/bin/go", 2, Some("go")),
            ("go/bin/go", 3, None),
            ("go", 1, None),
            ("", 0, None),
        ] {
            assert_eq!(strip(path, count), expected, "{path} {count}");
        }
    }

    #[test]
    fn links_stay_inside() {
        for (path, target, inside) in [
            ("a/b/link", "../c", true),
            ("a/b/link", "../../c", true),
            ("a/b/link", "../../../c", false),
            ("link", "nowhere/yet", true),
            ("link", "..", false),
            ("link", "a/../b", true),
            ("link", "a/../../b/c", false),
            ("link", "/etc/passwd", false),
            ("link", "C:/x", !DRIVES),
            ("man3/link", "B::Deparse.3", !DRIVES),
            ("link", "", false),
            ("link", "a\\b", false),
        ] {
            assert_eq!(link_target(path, target.as_bytes()).is_ok(), inside, "{path} -> {target}");
        }
    }

    #[test]
    fn windows_has_names_of_its_own() {
        for (name, possible) in [
            ("go.exe", true),
            ("con", false),
            ("NUL.txt", false),
            ("com1", false),
            ("a:b", false),
            ("a.", false),
            ("command", true),
        ] {
            assert_eq!(possible_on_windows(name), possible, "{name}");
        }
    }
}
