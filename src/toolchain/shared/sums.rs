//! Checksum files, as `sha256sum` and similar programs write them: `<hex>␠␠<name>`, `<hex>␠*<name>`,
//! `SHA256 (<name>) = <hex>`, or a single digest. Byte order marks and Windows line endings occur.

use url::Url;

use crate::model::{Algorithm, Digest};
use crate::net::Document;

pub(in crate::toolchain) fn document(url: Url) -> Document {
    Document { url, mirror_name: None, accept: None, check }
}

/// Checks that bytes are a checksum file: an HTML page or a broken upload has no line with a digest.
fn check(bytes: &[u8]) -> Result<(), String> {
    if bytes.trim_ascii_start().starts_with(b"<") {
        return Err("it is an HTML page, not a checksum file".to_owned());
    }
    if lines(bytes).next().is_none() { Err("it has no line with a digest".to_owned()) } else { Ok(()) }
}

/// Finds the digest of the file called `name`; none when it is not listed. A single digest without a name counts as that of
/// the file.
///
/// # Errors
/// The reason, when the file is listed with two digests.
pub(in crate::toolchain) fn find(bytes: &[u8], name: &str) -> Result<Option<Digest>, String> {
    let all: Vec<(Digest, Option<String>)> = lines(bytes).collect();
    if let [(digest, None)] = all.as_slice() {
        return Ok(Some(digest.clone()));
    }
    let mut found: Option<Digest> = None;
    for (digest, _) in all.into_iter().filter(|(_, listed)| listed.as_deref() == Some(name)) {
        match &found {
            Some(other) if other.algorithm() == digest.algorithm() && *other != digest => {
                return Err(format!(
                    "the checksum file lists {name} with two digests, {} and {}",
                    other.short(),
                    digest.short()
                ));
            }
            // The stronger of two algorithms is kept.
            Some(other) if other.algorithm() > digest.algorithm() => {}
            _ => found = Some(digest),
        }
    }
    Ok(found)
}

fn lines(bytes: &[u8]) -> impl Iterator<Item = (Digest, Option<String>)> {
    let text = String::from_utf8_lossy(bytes).into_owned();
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text).to_owned();
    let read: Vec<_> = text.lines().filter_map(|line| line_of(line.trim())).collect();
    read.into_iter()
}

fn line_of(line: &str) -> Option<(Digest, Option<String>)> {
    let plain = |name: &str| name.strip_prefix("./").unwrap_or(name).to_owned();
    if let Some((head, hex)) = line.rsplit_once(") = ")
        && let Some((_, name)) = head.split_once(" (")
    {
        return Some((digest(hex)?, Some(plain(name))));
    }
    match line.split_once([' ', '\t']) {
        None => Some((digest(line)?, None)),
        Some((hex, name)) => {
            let name = name.trim_start();
            Some((digest(hex)?, Some(plain(name.strip_prefix('*').unwrap_or(name)))))
        }
    }
}

fn digest(hex: &str) -> Option<Digest> {
    let algorithm = if hex.len() == 128 { Algorithm::Sha512 } else { Algorithm::Sha256 };
    Digest::from_hex(algorithm, hex).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    const TWO: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    #[test]
    fn every_spelling_of_a_list_is_read() {
        let upper = ONE.to_uppercase();
        for (text, expected) in [
            (format!("{ONE}  a.tar.gz\n{TWO}  b.tar.gz\n"), Some(ONE)),
            (format!("\u{feff}{ONE}  a.tar.gz\r\n{TWO}  b.tar.gz\r\n"), Some(ONE)),
            (format!("{TWO} *b.tar.gz\n{ONE} *a.tar.gz"), Some(ONE)),
            (format!("{ONE} ./a.tar.gz\n"), Some(ONE)),
            (format!("{ONE}\ta.tar.gz\n"), Some(ONE)),
            (format!("SHA256 (a.tar.gz) = {ONE}\nSHA256 (b.tar.gz) = {TWO}\n"), Some(ONE)),
            (format!("{upper}  a.tar.gz\n"), Some(ONE)),
            (format!("{ONE}\n"), Some(ONE)),
            (format!("{ONE}  a.tar.gz\n{ONE}  a.tar.gz\n"), Some(ONE)),
            (format!("# comment\n\n{ONE}  a.tar.gz"), Some(ONE)),
            (format!("{ONE}  a.tar.gz.asc\n{TWO}  dir/a.tar.gz\n"), None),
            (format!("{ONE}\n{TWO}\n"), None),
            (format!("{}  a.tar.gz\n{TWO}  b\n", &ONE[1..]), None),
            ("<html>".to_owned(), None),
            (String::new(), None),
        ] {
            let found = find(text.as_bytes(), "a.tar.gz").unwrap().map(|digest| digest.hex());
            assert_eq!(found.as_deref(), expected, "{text}");
        }
        let both = format!("{ONE}  a\n{ONE}{TWO}  a\n");
        assert_eq!(find(both.as_bytes(), "a").unwrap().unwrap().algorithm(), Algorithm::Sha512);
    }

    #[test]
    fn a_contradictory_list_or_another_file_is_refused() {
        let text = format!("{ONE}  a\n{TWO}  a\n");
        assert!(find(text.as_bytes(), "a").unwrap_err().contains("two digests"));
        for text in ["", "<!DOCTYPE html>", "Not Found", "d41d8cd98f00b204e9800998ecf8427e  a"] {
            assert!(check(text.as_bytes()).is_err(), "{text}");
        }
        assert!(check(format!("{ONE}  a").as_bytes()).is_ok());
    }
}
