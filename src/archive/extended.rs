//! What tar headers that extend the next one say: PAX records, and GNU's long names.

use super::error::{Error, Refusal};

/// The longest extended header that is read. Names are at most 4096 bytes; the rest is small.
pub(super) const LONGEST: u64 = 64 << 10;
/// A plain header holds eleven octal digits of size; only beyond may PAX say something else.
const PLAIN_SIZES: u64 = 0o777_7777_7777;

/// What is known about the next entry in addition to its plain header.
#[derive(Debug, Default)]
pub(super) struct Extended {
    path: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
    size: Option<u64>,
    sparse: bool,
    seen: bool,
}

impl Extended {
    /// Returns true if any extending header came.
    pub(super) fn seen(&self) -> bool {
        self.seen
    }

    /// Takes GNU's long name (`L`): the name and NUL.
    pub(super) fn long_name(&mut self, contents: &[u8]) -> Result<(), Error> {
        self.seen = true;
        once(&mut self.path, without_nul(contents))
    }

    /// Takes GNU's long link target (`K`).
    pub(super) fn long_link(&mut self, contents: &[u8]) -> Result<(), Error> {
        self.seen = true;
        once(&mut self.link, without_nul(contents))
    }

    /// Takes PAX records for the next entry (`x`).
    pub(super) fn pax(&mut self, contents: &[u8]) -> Result<(), Error> {
        self.seen = true;
        for record in records(contents) {
            let (key, value) = record?;
            match key {
                b"path" => once(&mut self.path, value)?,
                b"linkpath" => once(&mut self.link, value)?,
                b"size" if self.size.is_some() => return Err(Error::malformed("an extended header has two sizes")),
                b"size" => self.size = Some(decimal(value)?),
                _ => self.sparse |= key.starts_with(b"GNU.sparse."),
            }
        }
        Ok(())
    }

    /// Returns the name: the extended one, else the plain one.
    pub(super) fn path(&mut self, plain: &[u8]) -> Vec<u8> {
        self.path.take().unwrap_or_else(|| plain.to_vec())
    }

    /// Returns the link target: the extended one, else the plain one.
    pub(super) fn link(&mut self, plain: Option<&[u8]>) -> Vec<u8> {
        self.link.take().unwrap_or_else(|| plain.unwrap_or_default().to_vec())
    }

    /// Returns the length of the contents. Where the two headers could agree they must: readers differ in which one they
    /// believe, and so in where the next entry begins (RUSTSEC-2026-0068).
    pub(super) fn size(&self, plain: u64) -> Result<u64, Refusal> {
        match self.size {
            Some(extended) if extended != plain && extended <= PLAIN_SIZES => {
                Err(Refusal::Sizes { header: plain, extended })
            }
            Some(extended) => Ok(extended),
            None => Ok(plain),
        }
    }

    /// Returns true if the entry is a sparse file in PAX's clothes.
    pub(super) fn sparse(&self) -> bool {
        self.sparse
    }
}

/// Checks PAX records for all later entries (`g`): comments pass (`git archive` writes one), names and sizes do not.
pub(super) fn check_global(contents: &[u8]) -> Result<(), Error> {
    for record in records(contents) {
        let (key, _) = record?;
        if matches!(key, b"path" | b"linkpath" | b"size") || key.starts_with(b"GNU.sparse.") {
            let key = String::from_utf8_lossy(key);
            return Err(Error::malformed(format!("a global header sets the {key} of all entries")));
        }
    }
    Ok(())
}

fn once(slot: &mut Option<Vec<u8>>, value: &[u8]) -> Result<(), Error> {
    match slot.replace(value.to_vec()) {
        None => Ok(()),
        Some(_) => Err(Refusal::TwoNames.of(value)),
    }
}

fn without_nul(contents: &[u8]) -> &[u8] {
    contents.strip_suffix(b"\0").unwrap_or(contents)
}

fn decimal(value: &[u8]) -> Result<u64, Error> {
    let digits = std::str::from_utf8(value).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    digits
        .and_then(|text| text.parse().ok())
        .ok_or_else(|| Error::malformed("an extended header's size is not a number"))
}

/// Splits `<length> <key>=<value>\n` records; the length counts the whole record
/// (<https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html>). Written here because values may hold line feeds,
/// and readers that split at them see other records.
fn records(mut rest: &[u8]) -> impl Iterator<Item = Result<(&[u8], &[u8]), Error>> {
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let Some((key, value, after)) = first_record(rest) else {
            rest = &[];
            return Some(Err(Error::malformed("an extended header is not made of records")));
        };
        rest = after;
        Some(Ok((key, value)))
    })
}

fn first_record(bytes: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let space = bytes.iter().take(8).position(|byte| *byte == b' ')?;
    let digits = std::str::from_utf8(&bytes[..space]).ok().filter(|text| text.bytes().all(|b| b.is_ascii_digit()))?;
    let length: usize = digits.parse().ok()?;
    let record = bytes.get(space + 1..length)?.strip_suffix(b"\n")?;
    let equals = record.iter().position(|byte| *byte == b'=').filter(|at| *at > 0)?;
    Some((&record[..equals], &record[equals + 1..], &bytes[length..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_read_by_their_length() {
        let mut extended = Extended::default();
        extended.pax(b"30 mtime=1350244992.023960108\n14 path=a\nb=c\n12 size=100\n").unwrap();
        assert_eq!(extended.path(b"plain"), b"a\nb=c");
        assert_eq!(extended.size(100), Ok(100));
        assert!(extended.size(7).is_err());
    }

    #[test]
    fn broken_records_are_errors() {
        for contents in [
            &b"hello"[..],
            b"5 a=b",
            b"7 a=b\n",
            b"99 a=b\n",
            b"0 a=b\n",
            b"-6 a=b\n",
            b"+6 a=b\n",
            b"5 =b\n",
            b"4 a\n",
            b"6 a=b\n6 a=b",
            b"10 size=-1\n",
            b"10 size=1 \n",
            b"9 size=1\n9 size=1\n",
            b"9 path=a\n9 path=b\n",
            b"99999999999999999999 a=b\n",
        ] {
            assert!(Extended::default().pax(contents).is_err(), "{}", String::from_utf8_lossy(contents));
        }
    }

    #[test]
    fn only_sizes_beyond_the_plain_header_may_differ() {
        for (size, plain, agreed) in
            [(5, 5, true), (5, 0, false), (8_589_934_591, 0, false), (8_589_934_592, 0, true), (0, 8, false)]
        {
            let extended = Extended { size: Some(size), ..Extended::default() };
            assert_eq!(extended.size(plain).is_ok(), agreed, "{size} over {plain}");
        }
        assert_eq!(Extended::default().size(9), Ok(9));
    }
}
