//! Names of temporary files and folders: 16 random hexadecimal digits behind a prefix that only this program uses.

use std::path::{Path, PathBuf};

const DIGITS: usize = 16;
const OURS: &str = ".toolkit-";

/// Returns the prefix of what is made next to `target` before it gets that name: `.NAME.toolkit-`.
#[must_use]
pub fn beside(target: &Path) -> String {
    // A name may have 255 bytes, and the rest of ours needs some of them.
    let name: String = target.file_name().unwrap_or_default().to_string_lossy().chars().take(48).collect();
    format!(".{name}{OURS}")
}

/// Returns true for prefixes that [`beside`] makes, whatever the target.
pub(super) fn is_beside(prefix: &str) -> bool {
    prefix.starts_with('.') && prefix.ends_with(OURS) && prefix.len() > OURS.len()
}

pub(super) fn random(folder: &Path, prefix: &str) -> PathBuf {
    folder.join(format!("{prefix}{:0DIGITS$x}", fastrand::u64(..)))
}

/// Returns the prefix of a temporary name; none for names that a person would choose.
pub(super) fn prefix_of(name: &str) -> Option<&str> {
    let (prefix, digits) = name.split_at_checked(name.len().checked_sub(DIGITS)?)?;
    digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')).then_some(prefix)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_this_program_are_recognized() {
        for (name, ours) in [
            (".toolkit.lock.toolkit-0123456789abcdef", true),
            (".x.toolkit-0123456789abcdef", true),
            (".é.toolkit-0123456789abcdef", true),
            (".x.toolkit-0123456789ABCDEF", false),
            (".x.toolkit-notes", false),
            ("x.toolkit-0123456789abcdef", false),
            (".toolkit-0123456789abcdef", false),
            ("0123456789abcdef", false),
            ("é", false),
            ("", false),
        ] {
            assert_eq!(prefix_of(name).is_some_and(is_beside), ours, "{name}");
        }
        for target in ["toolkit.lock", "a/b", "éééééééééééééééééééééééééééééééééééééééééééééééééééééééééééé"]
        {
            let made = random(Path::new("folder"), &beside(Path::new(target)));
            let name = made.file_name().unwrap().to_str().unwrap();
            assert!(name.len() < 256 && prefix_of(name).is_some_and(is_beside), "{name}");
        }
    }
}
