//! Orders tags of the same shape by version: `405` before `406`, `1.2.3-alpine` before `1.3.0-alpine`.

use super::catalogue::Catalogue;
use crate::model::{ImagePlatform, Reference};

/// The most newer images to check. Each takes a request or two, and anonymous callers have few.
const MOST_ASKED: usize = 8;

/// How many of them are the next ones. After these, the newest is checked, then a binary search finds the first: once a
/// project publishes for a platform, it continues to do so.
const NEXT: usize = 4;

/// The most digits of a number; longer ones are not versions.
const MOST_DIGITS: usize = 18;

/// Words that mark a prerelease.
const BEFORE: &[&str] = &["-rc", "-beta", "-alpha", "-preview", "-pre", "-m"];

/// Whether a newer tag has what an image lacks.
#[derive(Debug)]
pub enum Newer<E> {
    Tag {
        tag: String,
        /// True if every tag in between was checked and lacks it; otherwise there may be a nearer one.
        nearest: bool,
    },
    /// None of the checked tags has it.
    None {
        /// How many were asked.
        asked: usize,
        /// How many newer ones there are.
        of: usize,
    },
    /// The image's tag has no version to compare.
    NoVersion,
    /// The registry could not be read.
    Failed(E),
}

/// A parsed tag: the constant parts, and the numbers of the version.
#[derive(Debug, PartialEq, Eq)]
struct Shape<'a> {
    words: Vec<&'a str>,
    numbers: Vec<u64>,
}

fn shape(tag: &str) -> Option<Shape<'_>> {
    let (mut words, mut numbers, mut rest) = (Vec::new(), Vec::new(), tag);
    loop {
        let digit = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        words.push(&rest[..digit]);
        rest = &rest[digit..];
        if rest.is_empty() {
            break;
        }
        let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        if end > MOST_DIGITS {
            return None;
        }
        numbers.push(rest[..end].parse().ok()?);
        rest = &rest[end..];
    }
    (!numbers.is_empty()).then_some(Shape { words, numbers })
}

impl Shape<'_> {
    /// Returns the shape of the release after a prerelease: that of `1.2.3` for `1.2.3-rc.1`.
    fn released(&self) -> Option<Shape<'_>> {
        let at = self.words.iter().position(|word| BEFORE.iter().any(|sign| word.starts_with(sign)))?;
        let mut words = self.words[..at].to_vec();
        words.push("");
        Some(Shape { words, numbers: self.numbers[..at].to_vec() })
    }
}

/// Lists the newer tags of the same shape, nearest first; none when `tag` has no version.
#[must_use]
pub fn newer_tags(tag: &str, all: &[String]) -> Option<Vec<String>> {
    let own = shape(tag)?;
    let released = own.released();
    let mut found: Vec<(Vec<u64>, &String)> = all
        .iter()
        .filter_map(|other| {
            let theirs = shape(other)?;
            let later = theirs.words == own.words && theirs.numbers > own.numbers;
            let out = released.as_ref();
            let out = out.is_some_and(|out| theirs.words == out.words && theirs.numbers >= out.numbers);
            (later || out).then_some((theirs.numbers, other))
        })
        .collect();
    found.sort();
    found.dedup();
    Some(found.into_iter().map(|(_, tag)| tag.clone()).collect())
}

/// Finds the nearest newer tag that has the required platforms.
pub(super) async fn search<S: Catalogue>(
    catalogue: &S,
    image: &Reference,
    enough: &(dyn Fn(&[ImagePlatform]) -> bool + Sync),
) -> Newer<S::Error> {
    let Some(tag) = image.tag.as_deref().filter(|tag| shape(tag).is_some()) else { return Newer::NoVersion };
    let all = match catalogue.tags(&image.repository).await {
        Ok(all) => all,
        Err(error) => return Newer::Failed(error),
    };
    let newer = newer_tags(tag, &all).unwrap_or_default();
    let mut asked = 0;
    let mut has = async |at: usize| -> Result<bool, S::Error> {
        asked += 1;
        let platforms = catalogue.platforms(&image.repository.tagged(&newer[at])).await?;
        Ok(platforms.is_some_and(|platforms| enough(&platforms)))
    };
    match nearest(newer.len(), &mut has).await {
        Err(error) => Newer::Failed(error),
        Ok(Some((at, nearest))) => Newer::Tag { tag: newer[at].clone(), nearest },
        Ok(None) => Newer::None { asked, of: newer.len() },
    }
}

/// Finds the first of `count` that has it, with a limited number of checks; returns whether it is certainly the
/// nearest.
async fn nearest<E>(
    count: usize,
    has: &mut impl AsyncFnMut(usize) -> Result<bool, E>,
) -> Result<Option<(usize, bool)>, E> {
    for at in 0..count.min(NEXT) {
        if has(at).await? {
            return Ok(Some((at, true)));
        }
    }
    if count <= NEXT || !has(count - 1).await? {
        return Ok(None);
    }
    let (mut lacks, mut found, mut lacking) = (NEXT - 1, count - 1, NEXT);
    for _ in NEXT + 1..MOST_ASKED {
        if found - lacks < 2 {
            break;
        }
        let middle = lacks + (found - lacks) / 2;
        if has(middle).await? {
            found = middle;
        } else {
            lacks = middle;
            lacking += 1;
        }
    }
    // It is certainly the nearest only if all before it were checked.
    Ok(Some((found, found == lacking)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn newer_tags_of_the_same_shape_are_ordered_by_version() {
        let all = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        for (tag, tags, expected) in [
            ("405", "404 405 406 1000 latest 406-arm64", "406 1000"),
            ("1.2.3-alpine", "1.2.4 1.3.0-alpine 1.2.10-alpine 1.2.2-alpine 1.4-alpine", "1.2.10-alpine 1.3.0-alpine"),
            ("1.2", "1.2.3 1.10 1.3 2.0 2", "1.3 1.10 2.0"),
            ("v1.2.0", "1.3.0 v1.3.0 v1.2.0", "v1.3.0"),
            ("20-alpine3.19", "20-alpine3.20 21-alpine3.18 20-alpine3.18", "20-alpine3.20 21-alpine3.18"),
            ("1.2.3-rc.1", "1.2.3-rc.2 1.2.3 1.2.2 1.3.0 1.2.3-beta.9", "1.2.3 1.2.3-rc.2 1.3.0"),
            ("2024.01.05", "2024.02.01 2023.12.31", "2024.02.01"),
            ("1.2", "99999999999999999999.1 1.3", "1.3"),
            ("7", "", ""),
        ] {
            let found = newer_tags(tag, &all(tags)).unwrap();
            assert_eq!(found.join(" "), expected, "{tag}");
        }
        for tag in ["latest", "stable-alpine", "99999999999999999999"] {
            assert_eq!(newer_tags(tag, &all("1 2")), None, "{tag}");
        }
    }

    #[test]
    fn few_looks_find_the_nearest_or_one_that_has_it() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        // How many tags there are, the first that has it, what is found, whether it is certain, how many looks.
        for (count, first, expected, looks) in [
            (0, 0, None, 0),
            (3, 0, Some((0, true)), 1),
            (3, 2, Some((2, true)), 3),
            (3, 9, None, 3),
            (60, 3, Some((3, true)), 4),
            (60, 99, None, 5),
            (5, 4, Some((4, true)), 5),
            (60, 59, Some((59, false)), 8),
            (60, 20, Some((24, false)), 8),
            (6, 5, Some((5, true)), 6),
            (60, 4, Some((10, false)), 8),
        ] {
            let mut asked = 0;
            let mut has = async |at: usize| {
                asked += 1;
                Ok::<_, std::convert::Infallible>(at >= first)
            };
            let found = runtime.block_on(nearest(count, &mut has)).unwrap();
            assert_eq!((found, asked), (expected, looks), "{count} {first}");
        }
    }
}
