//! Reading as few documents as decide a channel, one after the other: one for an exact version, the index and one channel
//! for `lts`.

use tokio::sync::OnceCell;

use super::documents::{self, Channel as ChannelDocument, ChannelName, Entry, Index};
use super::{Component, choice};
use crate::model::{Candidate, Channel, Policy, Prefer, Preference, Range, Train, Version, Within};
use crate::net::{Document, Metadata};
use crate::toolchain::Error;

/// The documents read for one request.
pub(super) struct Reading<'a> {
    component: Component,
    policy: &'a Policy,
    metadata: &'a dyn Metadata,
    index: OnceCell<Index>,
}

impl<'a> Reading<'a> {
    pub(super) fn new(component: Component, policy: &'a Policy, metadata: &'a dyn Metadata) -> Self {
        Self { component, policy, metadata, index: OnceCell::new() }
    }

    /// Lists the candidates for a channel, from as few documents as decide it.
    pub(super) async fn candidates(&self, channel: &Channel) -> Result<Vec<Candidate>, Error> {
        let mut found = Vec::new();
        let mut read = Vec::new();
        for name in direct(self.component, channel) {
            let Some(document) = self.channel_by_name(name).await? else { continue };
            found.extend(self.listed(&document, &document.head));
            read.push(name);
            if self.is_settled(channel, name, &found, false) {
                return Ok(self.trimmed(channel, found));
            }
        }
        if needs_index(channel) {
            self.by_index(channel, &read, &mut found).await?;
        }
        let is_there = |version: &Version| found.iter().any(|candidate: &Candidate| candidate.version == *version);
        match channel {
            Channel::Exact(version) if !is_there(version) => Err(self.no_such_version(version.as_str(), &found).await),
            _ if found.is_empty() => Err(self.no_such_version(&channel.to_string(), &found).await),
            _ => Ok(self.trimmed(channel, found)),
        }
    }

    /// Reads the index, and the channels that could have the pick, in the order that the rule prefers.
    async fn by_index(&self, channel: &Channel, read: &[ChannelName], found: &mut Vec<Candidate>) -> Result<(), Error> {
        let index = self.index().await?;
        for (name, entry) in self.in_order(channel, index) {
            let is_moving = matches!(channel, Channel::Name(_));
            if is_moving && self.policy.has_ended(&entry.support().0) {
                found.extend(entry.stand_in(self.component));
                continue;
            }
            if !read.contains(&name) {
                let document = self.channel_of_entry(name, entry).await?;
                self.cross_check(entry, &document);
                found.extend(self.listed(&document, &entry.or(&document.head)));
            }
            if self.is_settled(channel, name, found, true) {
                break;
            }
        }
        Ok(())
    }

    /// Returns true if reading further documents cannot change the pick.
    fn is_settled(&self, channel: &Channel, name: ChannelName, found: &[Candidate], by_index: bool) -> bool {
        let Some(pick) = choice::choose(self.component, channel, found, self.policy).pick else { return false };
        let Channel::Minimum(minimum) = channel else { return true };
        if pick.version == minimum.version && self.policy.prefer == Prefer::Named {
            return true;
        }
        let upward = minimum.preference == Preference::Newest && minimum.within >= Within::Major;
        let from_here = pick.support.line == name.to_string() && !pick.version.is_prerelease();
        from_here && (by_index || !upward)
    }

    /// Lists the channels of the index that could have the pick, the most likely one first.
    fn in_order<'i>(&self, channel: &Channel, index: &'i Index) -> Vec<(ChannelName, &'i Entry)> {
        let named =
            index.channels.iter().filter_map(|entry| Some((ChannelName::parse(&entry.channel_version)?, entry)));
        let mut channels: Vec<_> =
            named.filter(|(name, entry)| could_have(self.component, channel, *name, entry)).collect();
        channels.sort_by_key(|(name, _)| std::cmp::Reverse(*name));
        if let Channel::Minimum(minimum) = channel
            && minimum.preference == Preference::Nearest
            && minimum.within >= Within::Major
        {
            channels.reverse();
        }
        channels
    }

    /// Reads the document of a channel by its number; none when the channel does not exist.
    async fn channel_by_name(&self, name: ChannelName) -> Result<Option<ChannelDocument>, Error> {
        let failure = match self.channel(&name.document(), name).await {
            Ok(document) => return Ok(Some(document)),
            Err(failure) => failure,
        };
        // The index distinguishes a channel that does not exist from a server that is down.
        match self.index().await {
            Ok(index)
                if index.channels.iter().all(|entry| ChannelName::parse(&entry.channel_version) != Some(name)) =>
            {
                Ok(None)
            }
            _ => Err(failure),
        }
    }

    async fn channel_of_entry(&self, name: ChannelName, entry: &Entry) -> Result<ChannelDocument, Error> {
        let (document, odd) = entry.document(name);
        odd.iter().for_each(|warning| self.metadata.warn(warning));
        self.channel(&document, name).await
    }

    async fn channel(&self, document: &Document, name: ChannelName) -> Result<ChannelDocument, Error> {
        let bytes = self.read(document).await?;
        let bad = |reason: String| Error::Document { url: document.url.to_string(), reason };
        let channel = documents::read_channel(&bytes).map_err(bad)?;
        if channel.head.channel_version != name.to_string() {
            return Err(bad(format!("it describes channel `{}`, not {name}", channel.head.channel_version)));
        }
        Ok(channel)
    }

    /// Reads the index once.
    async fn index(&self) -> Result<&Index, Error> {
        let read = async || {
            let document = documents::index_document();
            let bytes = self.read(&document).await?;
            documents::read_index(&bytes).map_err(|reason| Error::Document { url: document.url.to_string(), reason })
        };
        self.index.get_or_try_init(read).await
    }

    async fn read(&self, document: &Document) -> Result<Vec<u8>, Error> {
        let tool = self.component.name().to_owned();
        self.metadata.read(document).await.map_err(|source| Error::Metadata { tool, source })
    }

    fn listed(&self, document: &ChannelDocument, head: &Entry) -> Vec<Candidate> {
        let (support, odd) = head.support();
        odd.iter().for_each(|warning| self.metadata.warn(warning));
        document.candidates(self.component, &support)
    }

    /// Warns when the channel's document does not have the version that the index calls the newest.
    fn cross_check(&self, entry: &Entry, document: &ChannelDocument) {
        let Some(claimed) = entry.claimed(self.component) else { return };
        let is_there =
            Version::parse(claimed).is_ok_and(|version| document.published(self.component, &version).is_some());
        if !is_there {
            let (tool, line) = (self.component.name(), &entry.channel_version);
            let warning = format!(
                "the index lists {tool} {claimed}, which is missing from the releases of {line}; it is ignored"
            );
            self.metadata.warn(&warning);
        }
    }

    /// Finds the document that has exactly this version.
    ///
    /// # Errors
    /// [`Error::NoSuchVersion`] when none has it, with the nearest ones.
    pub(super) async fn document_of(&self, version: &Version) -> Result<ChannelDocument, Error> {
        let mut near = Vec::new();
        for name in direct(self.component, &Channel::Exact(version.clone())) {
            let Some(document) = self.channel_by_name(name).await? else { continue };
            if document.published(self.component, version).is_some() {
                return Ok(document);
            }
            near.extend(self.listed(&document, &document.head));
        }
        Err(self.no_such_version(version.as_str(), &near).await)
    }

    /// Returns the error for a version that does not exist, with the versions around it, or the newest channels if its own does
    /// not exist either.
    async fn no_such_version(&self, requested: &str, found: &[Candidate]) -> Error {
        let mut known: Vec<&Version> = found.iter().map(|candidate| &candidate.version).collect();
        known.sort();
        known.dedup();
        let near = match Version::parse(requested) {
            Ok(version) if !known.is_empty() => {
                let at = known.partition_point(|known| **known < version);
                let around = &known[at.saturating_sub(2)..(at + 1).min(known.len())];
                around.iter().map(ToString::to_string).collect()
            }
            _ => self.newest_channels().await,
        };
        Error::NoSuchVersion { tool: self.component.name().to_owned(), version: requested.to_owned(), near }
    }

    /// Returns the three newest channels; none when the index cannot be read, which would not be the first thing to fail.
    async fn newest_channels(&self) -> Vec<String> {
        let Ok(index) = self.index().await else { return Vec::new() };
        let mut names: Vec<_> =
            index.channels.iter().filter_map(|entry| ChannelName::parse(&entry.channel_version)).collect();
        names.sort_by_key(|name| std::cmp::Reverse(*name));
        names.iter().take(3).map(ToString::to_string).collect()
    }

    /// Leaves only the requested version and newer patches of it where an exact one was requested; sorts newest first.
    fn trimmed(&self, channel: &Channel, mut found: Vec<Candidate>) -> Vec<Candidate> {
        if let Channel::Exact(version) = channel {
            let patches = if self.component == Component::Sdk { Within::Band } else { Within::Minor };
            let is_patch = |other: &Version| {
                other > version && !other.is_prerelease() && patches.holds(version.semver(), other.semver())
            };
            found.retain(|candidate| candidate.version == *version || is_patch(&candidate.version));
        }
        found.sort_by(|a, b| b.version.cmp(&a.version));
        found.dedup_by(|a, b| a.version == b.version);
        found
    }
}

/// Lists the channels whose documents have the named numbers, without reading the index.
fn direct(component: Component, channel: &Channel) -> Vec<ChannelName> {
    match channel {
        Channel::Line(line) | Channel::Preview(line) => {
            line.minor.map(|minor| homes(component, line.major, minor, line.band)).unwrap_or_default()
        }
        Channel::Exact(version) => homes_of(component, version),
        Channel::Minimum(minimum) => homes_of(component, &minimum.version),
        Channel::Name(_) | Channel::Range(_) => Vec::new(),
    }
}

fn homes_of(component: Component, version: &Version) -> Vec<ChannelName> {
    let numbers = version.semver();
    homes(component, numbers.major, numbers.minor, Some(numbers.patch / 100))
}

/// Returns the channels of a version. Until 2.1.300 an SDK's numbers were not those of its runtime: SDK 2.1.202 belongs to
/// channel 2.0, and SDK 1.1.14 to 1.0 and 1.1.
fn homes(component: Component, major: u64, minor: u64, band: Option<u64>) -> Vec<ChannelName> {
    let name = |minor| ChannelName { major, minor };
    match (component, major, minor, band) {
        (Component::Sdk, 1, 0 | 1, _) => vec![name(minor), name(1 - minor)],
        (Component::Sdk, 2, 1, Some(0..=2)) => vec![name(0)],
        (Component::Sdk, 2, 1, None) => vec![name(1), name(0)],
        _ => vec![name(minor)],
    }
}

fn needs_index(channel: &Channel) -> bool {
    match channel {
        Channel::Name(_) | Channel::Range(_) => true,
        Channel::Line(line) | Channel::Preview(line) => line.minor.is_none(),
        Channel::Exact(_) => false,
        Channel::Minimum(minimum) => minimum.within >= Within::Major,
    }
}

/// Returns true if a channel of the index could have the pick.
fn could_have(component: Component, channel: &Channel, name: ChannelName, entry: &Entry) -> bool {
    let of_train = |train| entry.train().is_none_or(|is| is == train);
    match channel {
        Channel::Name("lts") => of_train(Train::Lts),
        Channel::Name("sts") => of_train(Train::Sts),
        Channel::Name(_) => true,
        Channel::Line(line) | Channel::Preview(line) => line.major == name.major,
        Channel::Range(range) => range_touches(component, range, name),
        Channel::Exact(_) => false,
        Channel::Minimum(minimum) => {
            let from = minimum.version.semver();
            let within_major = minimum.within == Within::Major;
            name >= ChannelName { major: from.major, minor: from.minor } && (!within_major || name.major == from.major)
        }
    }
}

/// Returns true if any version that the channel could have is in the range. Every third number is tried, because a range may
/// be as narrow as one patch.
fn range_touches(component: Component, range: &Range, name: ChannelName) -> bool {
    let own = (name.minor, if component == Component::Sdk { 999 } else { 99 });
    let stray = (component == Component::Sdk && (name.major, name.minor) == (2, 0)).then_some((1, 299));
    let first = (component == Component::Sdk && name.major == 1).then(|| (1 - name.minor.min(1), 99));
    let stable = [Some(own), stray, first].into_iter().flatten().any(|(minor, last)| {
        (0..=last).any(|patch| {
            let numbers = semver::Version::new(name.major, minor, patch);
            let version = Version::spelled(&numbers.to_string(), numbers).expect("three numbers make a version");
            range.contains(&version)
        })
    });
    // A prerelease matches only a comparator that names its numbers.
    stable || (range.to_string().contains('-') && range.to_string().contains(&format!("{name}.")))
}
