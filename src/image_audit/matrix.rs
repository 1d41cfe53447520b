//! The matrix of images and platforms: each image is checked once, in parallel, against its uses.

use futures_util::StreamExt;
use futures_util::stream;

use super::catalogue::Catalogue;
use super::found::{Needs, Use};
use super::newer::{self, Newer};
use crate::model::{ImagePlatform, Reference};

/// The number of images that are checked at once.
const SIDE_BY_SIDE: usize = 8;

/// The results for all images.
#[derive(Debug)]
pub struct Matrix<E> {
    pub platforms: Vec<ImagePlatform>,
    /// The images, in the order in which they were found.
    pub rows: Vec<Row<E>>,
}

/// The result for one image.
#[derive(Debug)]
pub struct Row<E> {
    pub image: Reference,
    /// Where it is used.
    pub uses: Vec<Use>,
    /// The response of the registry.
    pub answer: Answer<E>,
    /// A newer tag with the missing platforms; none when nothing is missing.
    pub newer: Option<Newer<E>>,
}

/// The response of a registry about an image.
#[derive(Debug)]
pub enum Answer<E> {
    /// The platforms of the image.
    Platforms(Vec<ImagePlatform>),
    /// There is no such image.
    Absent,
    /// The registry could not be read.
    Failed(E),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cell {
    /// The image is for the platform.
    Present,
    /// The image lacks the platform, and it is needed.
    Missing,
    /// The image lacks the platform, but it is not needed.
    Unneeded,
    /// It is not known.
    Unknown,
}

/// Checks every image once.
pub async fn ask<S: Catalogue>(
    catalogue: &S,
    uses: Vec<Use>,
    platforms: &[ImagePlatform],
    look_newer: bool,
) -> Matrix<S::Error> {
    let rows = stream::iter(by_image(uses))
        .map(|(image, uses)| row(catalogue, image, uses, platforms, look_newer))
        .buffered(SIDE_BY_SIDE)
        .collect()
        .await;
    Matrix { platforms: platforms.to_vec(), rows }
}

fn by_image(uses: Vec<Use>) -> Vec<(Reference, Vec<Use>)> {
    let mut rows: Vec<(Reference, Vec<Use>)> = Vec::new();
    let mut index = std::collections::HashMap::new();
    for one in uses {
        let at = *index.entry(one.image.clone()).or_insert_with(|| {
            rows.push((one.image.clone(), Vec::new()));
            rows.len() - 1
        });
        rows[at].1.push(one);
    }
    rows
}

async fn row<S: Catalogue>(
    catalogue: &S,
    image: Reference,
    uses: Vec<Use>,
    platforms: &[ImagePlatform],
    look_newer: bool,
) -> Row<S::Error> {
    let answer = match catalogue.platforms(&image).await {
        Ok(Some(found)) => Answer::Platforms(found),
        Ok(None) => Answer::Absent,
        Err(error) => Answer::Failed(error),
    };
    let lacks = match &answer {
        Answer::Platforms(found) => !missing(&uses, platforms, found).is_empty(),
        Answer::Absent => true,
        Answer::Failed(_) => false,
    };
    let newer = if lacks && look_newer {
        let enough = |found: &[ImagePlatform]| missing(&uses, platforms, found).is_empty();
        Some(newer::search(catalogue, &image, &enough).await)
    } else {
        None
    };
    Row { image, uses, answer, newer }
}

/// Lists the missing platforms of an image.
fn missing(uses: &[Use], platforms: &[ImagePlatform], found: &[ImagePlatform]) -> Vec<ImagePlatform> {
    let lacks = |machine: &&ImagePlatform| !found.iter().any(|image| runs_on(image, machine));
    let mut missing: Vec<ImagePlatform> = Vec::new();
    for one in uses {
        let required = match &one.needs {
            Needs::All => platforms,
            Needs::Only(platforms) | Needs::Pinned(platforms) => platforms,
            Needs::Any if platforms.iter().all(|platform| lacks(&platform)) => platforms,
            Needs::Any => &[],
        };
        for platform in required.iter().filter(lacks) {
            if !missing.contains(platform) {
                missing.push(platform.clone());
            }
        }
    }
    missing
}

/// Returns true if a machine runs an image: one for the same platform, or for an older variant of its architecture
/// (<https://github.com/containerd/platforms/blob/main/compare.go>).
fn runs_on(image: &ImagePlatform, machine: &ImagePlatform) -> bool {
    if (&image.os, &image.architecture) != (&machine.os, &machine.architecture) {
        return false;
    }
    let level = |platform: &ImagePlatform| -> Option<(u32, u32)> {
        let usual = match platform.architecture.as_str() {
            "arm64" => "v8",
            "arm" => "v7",
            _ => "v1",
        };
        let text = platform.variant.as_deref().unwrap_or(usual).strip_prefix('v')?;
        let (major, minor) = text.split_once('.').unwrap_or((text, "0"));
        Some((major.parse().ok()?, minor.parse().ok()?))
    };
    match (level(image), level(machine)) {
        (Some(image), Some(machine)) => image <= machine,
        _ => image.variant == machine.variant,
    }
}

impl<E> Row<E> {
    /// Lists the missing platforms of the image; empty when they are unknown.
    #[must_use]
    pub fn missing(&self, platforms: &[ImagePlatform]) -> Vec<ImagePlatform> {
        match &self.answer {
            Answer::Platforms(found) => missing(&self.uses, platforms, found),
            Answer::Absent => missing(&self.uses, platforms, &[]),
            Answer::Failed(_) => Vec::new(),
        }
    }

    /// Returns the cell for one platform.
    #[must_use]
    pub fn cell(&self, platform: &ImagePlatform, platforms: &[ImagePlatform]) -> Cell {
        let found = match &self.answer {
            Answer::Failed(_) => return Cell::Unknown,
            Answer::Absent => &[],
            Answer::Platforms(found) => found.as_slice(),
        };
        match () {
            () if found.iter().any(|image| runs_on(image, platform)) => Cell::Present,
            () if self.missing(platforms).contains(platform) => Cell::Missing,
            () => Cell::Unneeded,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Mutex;

    use async_trait::async_trait;

    use super::*;
    use crate::model::{Explain, Kind, Repository};

    #[derive(Debug)]
    struct Down;

    impl std::fmt::Display for Down {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("it is down")
        }
    }

    impl std::error::Error for Down {}

    impl Explain for Down {
        fn kind(&self) -> Kind {
            Kind::Upstream
        }
    }

    /// A registry as a table: image, platforms. What begins with `down` fails.
    struct Table {
        images: BTreeMap<&'static str, &'static str>,
        asked: Mutex<Vec<String>>,
    }

    #[async_trait]
    impl Catalogue for Table {
        type Error = Down;

        async fn platforms(&self, at: &Reference) -> Result<Option<Vec<ImagePlatform>>, Down> {
            let name = at.to_string();
            let name = name.trim_start_matches("docker.io/library/");
            self.asked.lock().unwrap().push(name.to_owned());
            if name.starts_with("down") {
                return Err(Down);
            }
            let found = self.images.get(name);
            Ok(found.map(|text| text.split_whitespace().map(|platform| platform.parse().unwrap()).collect()))
        }

        async fn tags(&self, repository: &Repository) -> Result<Vec<String>, Down> {
            let start = format!("{}:", repository.name.trim_start_matches("library/"));
            Ok(self.images.keys().filter_map(|name| name.strip_prefix(&start)).map(str::to_owned).collect())
        }
    }

    fn platforms(text: &str) -> Vec<ImagePlatform> {
        text.split_whitespace().map(|platform| platform.parse().unwrap()).collect()
    }

    fn used(image: &str, needs: Needs) -> Use {
        Use { location: None, role: "argument".to_owned(), image: image.parse().unwrap(), needs }
    }

    fn asked(uses: Vec<Use>, columns: &str) -> (Vec<String>, Vec<String>) {
        let both = "linux/amd64 linux/arm64";
        let images = [
            ("both:1", both),
            ("amd:1", "linux/amd64"),
            ("amd:2", "linux/amd64"),
            ("amd:3", both),
            ("amd:4", both),
            ("arm:1", "linux/arm64"),
            ("v6:1", "linux/arm/v6 linux/amd64/v3"),
        ];
        let table = Table { images: images.into_iter().collect(), asked: Mutex::default() };
        let columns = platforms(columns);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let matrix = runtime.block_on(ask(&table, uses, &columns, true));
        let line = |row: &Row<Down>| {
            let cells: Vec<_> = columns.iter().map(|column| format!("{:?}", row.cell(column, &columns))).collect();
            let newer = match &row.newer {
                None => String::new(),
                Some(Newer::Tag { tag, nearest }) => format!(" {}{tag}", if *nearest { "→" } else { "↝" }),
                Some(Newer::None { asked, of }) => format!(" {asked}/{of}"),
                Some(other) => format!(" {other:?}"),
            };
            format!("{} {}{newer}", row.image.repository.name.trim_start_matches("library/"), cells.join(" "))
        };
        let asked = table.asked.lock().unwrap().clone();
        (matrix.rows.iter().map(line).collect(), asked)
    }

    #[test]
    fn cells_say_what_is_missing_where_it_is_needed() {
        let only = |text: &str| Needs::Pinned(platforms(text));
        for (image, needs, expected) in [
            ("both:1", Needs::All, "both Present Present"),
            ("amd:1", Needs::All, "amd Present Missing →3"),
            ("amd:1", only("linux/amd64"), "amd Present Unneeded"),
            ("amd:1", Needs::Any, "amd Present Unneeded"),
            ("arm:1", Needs::Any, "arm Unneeded Present"),
            ("arm:1", Needs::All, "arm Missing Present 0/0"),
            ("arm:1", only("linux/s390x"), "arm Unneeded Present 0/0"),
            ("amd:0", Needs::All, "amd Missing Missing →3"),
            ("none:latest", Needs::Any, "none Missing Missing NoVersion"),
            ("down:1", Needs::All, "down Unknown Unknown"),
        ] {
            assert_eq!(asked(vec![used(image, needs)], "linux/amd64 linux/arm64").0, [expected]);
        }
    }

    #[test]
    fn one_use_that_needs_it_is_enough_and_every_image_is_asked_once() {
        let only = Needs::Pinned(platforms("linux/amd64"));
        let uses = vec![
            used("amd:4", only.clone()),
            used("amd:1", only),
            used("amd:1", Needs::All),
            used("amd:4", Needs::Any),
        ];
        let (rows, asked) = asked(uses, "linux/amd64 linux/arm64");
        assert_eq!(rows, ["amd Present Present", "amd Present Missing →3"]);
        assert_eq!(asked, ["amd:4", "amd:1", "amd:2", "amd:3"]);
    }

    #[test]
    fn older_variants_run_on_newer_machines() {
        for (columns, expected) in [
            ("linux/arm/v7", "v6 Present"),
            ("linux/arm/v6", "v6 Present"),
            ("linux/arm/v5", "v6 Missing 0/0"),
            ("linux/amd64", "v6 Missing 0/0"),
            ("linux/amd64/v4", "v6 Present"),
            ("windows/amd64", "v6 Missing 0/0"),
        ] {
            assert_eq!(asked(vec![used("v6:1", Needs::All)], columns).0, [expected], "{columns}");
        }
    }
}
