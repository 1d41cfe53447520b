//! The Go checksum database: a hash is trusted only if a signed tree head covers its record.
//!
//! Formats: <https://go.googlesource.com/proposal/+/master/design/25530-sumdb.md>, RFC 6962 §2.1 for the hashes,
//! <https://c2sp.org/signed-note> for the signature. Nothing is trusted that the recomputed root does not cover: neither a
//! line outside the record (CVE-2026-56864) nor a tile (CVE-2026-56865). Consistency of two tree heads is not checked,
//! because that needs a stored earlier head; the lock pins the hash once it is written.

use std::collections::{BTreeMap, BTreeSet};

use base64::prelude::{BASE64_STANDARD, Engine as _};
use ring::signature::{ED25519, UnparsedPublicKey};
use sha2::{Digest as _, Sha256};

use crate::model::Digest;

/// The key of sum.golang.org, from the source of the go command.
pub(super) const SUM_GOLANG_ORG: &str = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8";

/// A node of the tree, and of its tiles.
pub(super) type Hash = [u8; 32];

/// The verifier key of a database: its name and its Ed25519 key.
#[derive(Debug)]
pub(super) struct Key {
    name: String,
    hash: [u8; 4],
    key: Vec<u8>,
}

/// The answer to a lookup: its signature is verified, its record not yet proven.
#[derive(Debug)]
pub(super) struct Lookup {
    record: u64,
    text: String,
    size: u64,
    root: Hash,
}

/// A stored node of the tree: the hash over the leaves `index << level` to `(index + 1) << level`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Node {
    level: u32,
    index: u64,
}

/// The address of a tile: 256 hashes of one level, fewer at the right edge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Tile {
    level: u32,
    index: u64,
    width: u64,
}

/// Each tile holds this many levels of the tree.
const HEIGHT: u32 = 8;

impl Key {
    /// Parses `name+hash+base64`, where the hash is the first four bytes of the SHA-256 of the name and the key.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, '+');
        let (name, hash, encoded) = (parts.next()?, parts.next()?, parts.next()?);
        let key = BASE64_STANDARD.decode(encoded).ok()?;
        let expected: [u8; 4] = Sha256::digest([name.as_bytes(), b"\n", &key].concat())[..4].try_into().ok()?;
        let stated = u32::from_str_radix(hash, 16).ok()?.to_be_bytes();
        let (1, key) = (key.first()?, key.get(1..)?.to_vec()) else {
            return None; // only algorithm 1, Ed25519, exists
        };
        (key.len() == 32 && stated == expected && hash.len() == 8).then(|| Self {
            name: name.to_owned(),
            hash: stated,
            key,
        })
    }

    /// Returns the text of a signed note if one of its signatures is by this key.
    fn open<'a>(&self, note: &'a str) -> Result<&'a str, String> {
        let (text, signatures) = note.rsplit_once("\n\n").ok_or("it has no signature")?;
        let text = &note[..=text.len()]; // the signed text ends with its line feed
        let prefix = format!("\u{2014} {} ", self.name);
        for encoded in signatures.lines().filter_map(|line| line.strip_prefix(&prefix)) {
            let signature = BASE64_STANDARD.decode(encoded).map_err(|_| "its signature is not base64")?;
            if let Some(signature) = signature.strip_prefix(&self.hash) {
                return UnparsedPublicKey::new(&ED25519, &self.key)
                    .verify(text.as_bytes(), signature)
                    .map(|()| text)
                    .map_err(|_| format!("its signature is not by the key of {}", self.name));
            }
        }
        Err(format!("it has no signature by the key of {}", self.name))
    }
}

impl Lookup {
    /// Parses an answer and verifies the signature of its tree head.
    pub(super) fn open(answer: &[u8], key: &Key) -> Result<Self, String> {
        let answer = std::str::from_utf8(answer).map_err(|_| "it is not text".to_owned())?;
        let (record, note) = answer.split_once("\n\n").ok_or("it has no signed tree head")?;
        let (number, _) = record.split_once('\n').ok_or("it has no record")?;
        let text = format!("{}\n", &record[number.len() + 1..]);
        let head = key.open(note)?;
        let mut lines = head.lines();
        if lines.next() != Some("go.sum database tree") {
            return Err("the signed text is not a tree head".to_owned());
        }
        let size = lines.next().and_then(plain_number).ok_or("its tree head has no size")?;
        let root =
            lines.next().and_then(|text| BASE64_STANDARD.decode(text).ok()).and_then(|root| Hash::try_from(root).ok());
        let root = root.ok_or("its tree head has no hash")?;
        let record = plain_number(number).ok_or("its record has no number")?;
        if record >= size {
            return Err(format!("record {record} is not in a tree of {size}"));
        }
        Ok(Self { record, text, size, root })
    }

    /// Lists the tiles that prove the record.
    pub(super) fn tiles(&self) -> BTreeSet<Tile> {
        let mut nodes = Vec::new();
        let leaf = leaf_hash(self.text.as_bytes());
        let unknown = fold(0, self.size, self.record, &leaf, &mut |node| {
            nodes.push(node);
            Some(Hash::default())
        });
        debug_assert!(unknown.is_some(), "every node was answered");
        nodes.into_iter().map(|node| self.tile_of(node)).collect()
    }

    /// Proves the record by recomputing the signed root from it and the tiles, and returns its `h1:` hash of the module's
    /// zip file.
    pub(super) fn prove(&self, tiles: &BTreeMap<Tile, Vec<u8>>, module: &str, version: &str) -> Result<Digest, String> {
        let leaf = leaf_hash(self.text.as_bytes());
        let root = fold(0, self.size, self.record, &leaf, &mut |node| {
            let tile = self.tile_of(node);
            node_in_tile(node, tiles.get(&tile)?)
        });
        match root {
            None => Err("a tile of the proof is missing or too short".to_owned()),
            Some(root) if root != self.root => {
                Err(format!("record {} is not in the signed tree of {} records", self.record, self.size))
            }
            Some(_) => self.stated(module, version),
        }
    }

    /// Parses the hash from the record, which must have exactly the lines of the zip file and of go.mod.
    fn stated(&self, module: &str, version: &str) -> Result<Digest, String> {
        let (zip, go_mod) = (format!("{module} {version} "), format!("{module} {version}/go.mod "));
        let mut stated = None;
        for line in self.text.lines() {
            match line.strip_prefix(&zip) {
                Some(_) if stated.is_some() => return Err("its record has two hashes".to_owned()),
                Some(hash) if hash.starts_with("h1:") => stated = hash.parse().ok(),
                None if line.starts_with(&go_mod) => {}
                _ => return Err(format!("its record is not about {module} {version}")),
            }
        }
        stated.ok_or_else(|| format!("its record has no h1 hash for {module} {version}"))
    }

    fn tile_of(&self, node: Node) -> Tile {
        let level = node.level / HEIGHT;
        let index = (node.index << (node.level % HEIGHT)) >> HEIGHT;
        let hashes = self.size >> (HEIGHT * level);
        Tile { level, index, width: (hashes - (index << HEIGHT)).min(1 << HEIGHT) }
    }
}

impl Tile {
    /// Returns its path below the database: `tile/8/0/x108/866`, with `.p/42` when it is not full. The index is written in
    /// groups of three digits, all but the last with `x`.
    pub(super) fn path(self) -> String {
        let mut groups = vec![format!("{:03}", self.index % 1000)];
        let mut rest = self.index / 1000;
        while rest > 0 {
            groups.insert(0, format!("x{:03}", rest % 1000));
            rest /= 1000;
        }
        let partial = if self.is_full() { String::new() } else { format!(".p/{}", self.width) };
        format!("tile/{HEIGHT}/{}/{}{partial}", self.level, groups.join("/"))
    }

    /// Returns the full tile at the same position: a server may drop a partial tile once it is full.
    pub(super) fn full(self) -> Self {
        Self { width: 1 << HEIGHT, ..self }
    }

    /// Returns true if it has all of its hashes.
    pub(super) fn is_full(self) -> bool {
        self.width == 1 << HEIGHT
    }
}

/// Checks that an answer looks like a lookup, so that a login page does not replace the last good copy.
pub(super) fn check_lookup(bytes: &[u8]) -> Result<(), String> {
    let text = std::str::from_utf8(bytes).unwrap_or_default();
    let number = text.lines().next().and_then(plain_number);
    if number.is_some() && text.contains("\n\ngo.sum database tree\n") {
        return Ok(());
    }
    Err("it is not an answer of the checksum database".to_owned())
}

/// Checks that an answer can be a tile: up to 256 hashes of 32 bytes.
pub(super) fn check_tile(bytes: &[u8]) -> Result<(), String> {
    let fits = !bytes.is_empty() && bytes.len() <= 32 << HEIGHT && bytes.len().is_multiple_of(32);
    if fits { Ok(()) } else { Err("it is not a tile of the checksum database".to_owned()) }
}

/// Computes the hash over the leaves `low..high` from the one at `record` and stored nodes (RFC 6962 §2.1).
fn fold(low: u64, high: u64, record: u64, leaf: &Hash, stored: &mut dyn FnMut(Node) -> Option<Hash>) -> Option<Hash> {
    let count = high - low;
    let inside = (low..high).contains(&record);
    if inside && count == 1 {
        return Some(*leaf);
    }
    if !inside && count.is_power_of_two() {
        let level = count.trailing_zeros();
        return stored(Node { level, index: low >> level });
    }
    let middle = low + (count.next_power_of_two() >> 1);
    let left = fold(low, middle, record, leaf, stored)?;
    let right = fold(middle, high, record, leaf, stored)?;
    Some(node_hash(&left, &right))
}

/// Computes a node from the hashes that its tile stores.
fn node_in_tile(node: Node, tile: &[u8]) -> Option<Hash> {
    let height = node.level % HEIGHT;
    let start = ((node.index << height) & 255) as usize;
    let bytes = tile.get(start * 32..(start + (1 << height)) * 32)?;
    let mut row: Vec<Hash> = bytes.chunks_exact(32).filter_map(|chunk| chunk.try_into().ok()).collect();
    while row.len() > 1 {
        row = row.chunks_exact(2).map(|pair| node_hash(&pair[0], &pair[1])).collect();
    }
    row.first().copied()
}

fn leaf_hash(record: &[u8]) -> Hash {
    Sha256::new().chain_update([0]).chain_update(record).finalize().into()
}

fn node_hash(left: &Hash, right: &Hash) -> Hash {
    Sha256::new().chain_update([1]).chain_update(left).chain_update(right).finalize().into()
}

/// Parses decimal digits without a sign or leading zero, below 2⁶².
fn plain_number(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let plain = text == "0" || !text.starts_with('0');
    text.parse().ok().filter(|number| digits && plain && *number < 1 << 62)
}

#[cfg(test)]
pub(super) mod tests {
    use ring::signature::{Ed25519KeyPair, KeyPair as _};

    use super::*;

    /// A checksum database of its own: records, a tree over them, a key. It computes hashes level by level, not by the
    /// recursion of the verifier.
    pub(in super::super) struct Database {
        name: &'static str,
        pair: Ed25519KeyPair,
        records: Vec<String>,
    }

    impl Database {
        pub(in super::super) fn new(name: &'static str, records: Vec<String>) -> Self {
            Self { name, pair: Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap(), records }
        }

        pub(in super::super) fn key(&self) -> String {
            let key = [&[1], self.pair.public_key().as_ref()].concat();
            let hash = Sha256::digest([self.name.as_bytes(), b"\n", &key].concat());
            let hex: String = hash[..4].iter().map(|byte| format!("{byte:02x}")).collect();
            format!("{}+{hex}+{}", self.name, BASE64_STANDARD.encode(&key))
        }

        fn rows(&self) -> Vec<Vec<Hash>> {
            let mut rows = vec![self.records.iter().map(|text| leaf_hash(text.as_bytes())).collect::<Vec<_>>()];
            while rows.last().unwrap().len() > 1 {
                let row = rows.last().unwrap().chunks_exact(2).map(|pair| node_hash(&pair[0], &pair[1])).collect();
                rows.push(row);
            }
            rows
        }

        fn root(&self) -> Hash {
            // The complete subtrees at the right edge of each row, smallest last, joined from the right.
            let rows = self.rows();
            let edge = rows.iter().filter(|row| row.len() % 2 == 1).map(|row| *row.last().unwrap());
            edge.reduce(|right, left| node_hash(&left, &right)).unwrap()
        }

        pub(in super::super) fn head(&self) -> String {
            format!("go.sum database tree\n{}\n{}\n", self.records.len(), BASE64_STANDARD.encode(self.root()))
        }

        pub(in super::super) fn signed(&self, text: &str) -> String {
            let key = Key::parse(&self.key()).unwrap();
            let signature = [key.hash.as_slice(), self.pair.sign(text.as_bytes()).as_ref()].concat();
            format!("{text}\n\u{2014} {} {}\n", self.name, BASE64_STANDARD.encode(&signature))
        }

        pub(in super::super) fn lookup(&self, number: usize) -> String {
            format!("{number}\n{}\n{}", self.records[number], self.signed(&self.head()))
        }

        /// Serves `tile/8/…` by its path; partial tiles only in the width of the current tree.
        pub(in super::super) fn tile(&self, path: &str) -> Option<Vec<u8>> {
            let rest = path.strip_prefix("tile/8/")?;
            let (level, place) = rest.split_once('/')?;
            let (index, width) = match place.split_once(".p/") {
                Some((index, width)) => (index, width.parse().ok()?),
                None => (place, 256),
            };
            let digits: String = index.chars().filter(char::is_ascii_digit).collect();
            let row = self.rows().get(level.parse::<usize>().ok()? * 8)?.clone();
            let start = digits.parse::<usize>().ok()? * 256;
            let end = row.len().min(start + 256);
            (end.checked_sub(start)? == width).then(|| row[start..end].concat())
        }
    }

    pub(in super::super) fn record(version: &str, seed: u8) -> String {
        let hash = BASE64_STANDARD.encode([seed; 32]);
        format!("golang.org/toolchain {version} h1:{hash}\ngolang.org/toolchain {version}/go.mod h1:{hash}\n")
    }

    fn database(records: usize) -> Database {
        Database::new(
            "sum.example",
            (0..records).map(|i| record(&format!("v0.0.1-go1.{i}.0.linux-amd64"), i as u8)).collect(),
        )
    }

    fn prove(database: &Database, number: usize, answer: &str) -> Result<Digest, String> {
        let lookup = Lookup::open(answer.as_bytes(), &Key::parse(&database.key()).unwrap())?;
        let tiles = lookup.tiles().into_iter().map(|tile| (tile, database.tile(&tile.path()).unwrap())).collect();
        lookup.prove(&tiles, "golang.org/toolchain", &format!("v0.0.1-go1.{number}.0.linux-amd64"))
    }

    #[test]
    fn hashes_are_those_of_certificate_transparency() {
        // The test vectors of RFC 6962's reference implementation: the leaf "" and the tree of "" and "\0".
        let hex = |hash: &[u8]| hash.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        assert_eq!(hex(&leaf_hash(b"")), "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d");
        let root = node_hash(&leaf_hash(b""), &leaf_hash(b"\0"));
        assert_eq!(hex(&root), "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125");
    }

    #[test]
    fn every_record_of_every_small_tree_is_proven() {
        for size in (1..=20).chain([255, 256, 257, 511, 513, 700]) {
            let database = database(size);
            for number in [0, 1, size / 3, size / 2, size.saturating_sub(2), size - 1].into_iter().filter(|n| *n < size)
            {
                let digest = prove(&database, number, &database.lookup(number)).unwrap();
                assert_eq!(digest.bytes(), [number as u8; 32], "record {number} of {size}");
            }
        }
    }

    #[test]
    fn a_large_tree_has_tiles_on_two_levels() {
        let database = database(66_000);
        let lookup = Lookup::open(database.lookup(300).as_bytes(), &Key::parse(&database.key()).unwrap()).unwrap();
        let paths: Vec<_> = lookup.tiles().into_iter().map(Tile::path).collect();
        // 66 000 = 65 536 + 256 + 208: the record's own tile, the right edge on two levels.
        assert_eq!(paths, ["tile/8/0/001", "tile/8/0/257.p/208", "tile/8/1/000", "tile/8/1/001.p/1"]);
        assert!(prove(&database, 300, &database.lookup(300)).is_ok());
    }

    #[test]
    fn a_changed_byte_anywhere_is_refused() {
        let database = database(300);
        let answer = database.lookup(37);
        for at in 0..answer.len() {
            let mut bytes = answer.clone().into_bytes();
            bytes[at] ^= 1;
            let Ok(changed) = String::from_utf8(bytes) else { continue };
            let refused = prove_any_version(&database, &changed).is_err();
            assert!(refused, "byte {at} of {answer:?} may change");
        }
    }

    /// Proves with the tiles that exist, as a record number that was changed asks for others.
    fn prove_any_version(database: &Database, answer: &str) -> Result<Digest, String> {
        let lookup = Lookup::open(answer.as_bytes(), &Key::parse(&database.key()).unwrap())?;
        let tiles = lookup.tiles().into_iter().filter_map(|tile| Some((tile, database.tile(&tile.path())?))).collect();
        lookup.prove(&tiles, "golang.org/toolchain", "v0.0.1-go1.37.0.linux-amd64")
    }

    #[test]
    fn a_changed_tile_is_refused() {
        let database = database(700);
        let lookup = Lookup::open(database.lookup(37).as_bytes(), &Key::parse(&database.key()).unwrap()).unwrap();
        let tiles: BTreeMap<_, _> =
            lookup.tiles().into_iter().map(|tile| (tile, database.tile(&tile.path()).unwrap())).collect();
        let version = "v0.0.1-go1.37.0.linux-amd64";
        assert!(lookup.prove(&tiles, "golang.org/toolchain", version).is_ok());
        for tile in tiles.keys() {
            let mut changed = tiles.clone();
            // The last hash: a tile's hash over the record itself is computed, never read.
            *changed.get_mut(tile).unwrap().last_mut().unwrap() ^= 1;
            assert!(lookup.prove(&changed, "golang.org/toolchain", version).is_err(), "{}", tile.path());
            changed.get_mut(tile).unwrap().truncate(32);
            assert!(lookup.prove(&changed, "golang.org/toolchain", version).is_err(), "{} cut", tile.path());
            changed.remove(tile);
            assert!(lookup.prove(&changed, "golang.org/toolchain", version).unwrap_err().contains("missing"));
        }
    }

    #[test]
    fn what_stands_beside_the_proof_is_not_believed() {
        let database = database(10);
        let (head, text) = (database.head(), &database.records[3]);
        let evil = record("v0.0.1-go1.3.0.linux-amd64", 99);
        let other = Database::new("sum.example", vec![evil.clone()]);
        let unsigned = format!("3\n{text}\n{head}\n\u{2014} sum.example AAAA\n");
        for (answer, why) in [
            (format!("3\n{evil}{text}\n{}", database.signed(&head)), "a line before the record"),
            (format!("3\n{text}{evil}\n{}", database.signed(&head)), "a line after the record"),
            (format!("3\n{evil}\n{}", database.signed(&head)), "another record"),
            (format!("4\n{text}\n{}", database.signed(&head)), "another place"),
            (format!("10\n{text}\n{}", database.signed(&head)), "a place outside"),
            (format!("03\n{text}\n{}", database.signed(&head)), "an odd number"),
            (format!("3\n{text}\n{head}"), "no signature"),
            (unsigned, "a short signature"),
            (database.lookup(4), "the record of another version"),
            (format!("3\n{text}\n{}", database.signed("go.sum database tree\n0\nAAAA\n")), "an empty tree"),
            (format!("3\n{text}\n{}", database.signed(text)), "a signature on something else"),
            (format!("3\n{text}\n{}", database.signed(&head.replace("go.sum", "go.mod"))), "the head of another tree"),
            (String::new(), "nothing"),
            ("<html>".to_owned(), "a page"),
        ] {
            assert!(prove(&database, 3, &answer).is_err(), "{why} passed");
        }
        assert!(prove(&other, 3, &other.lookup(0)).is_ok(), "the other database proves its own");
        let two = Database::new("sum.example", vec![format!("{text}{evil}")]);
        assert!(prove(&two, 3, &two.lookup(0)).unwrap_err().contains("two hashes"));
    }

    #[test]
    fn another_key_is_refused() {
        let mut database = database(10);
        let key = Key::parse(&database.key()).unwrap();
        let real = Key::parse(SUM_GOLANG_ORG).unwrap();
        assert!(Lookup::open(database.lookup(3).as_bytes(), &real).unwrap_err().contains("no signature by"));
        database.pair = Ed25519KeyPair::from_seed_unchecked(&[8; 32]).unwrap();
        let text = database.signed(&database.head());
        assert!(key.open(&text).is_err());
        for bad in
            ["", "sum.golang.org", "sum.golang.org+033de0ae+AAAA", &SUM_GOLANG_ORG.replace("033de0ae", "033de0af")]
        {
            assert!(Key::parse(bad).is_none(), "{bad:?} passed");
        }
    }

    #[test]
    fn a_signed_head_of_the_real_database_verifies() {
        // The tree head that sum.golang.org served for go1.22.5, in the shape of a lookup.
        let note = "go.sum database tree\n66398721\n5oXTdOltbW8oy+WAHSPYkUE7FskIY/5ZJCYGy+buJ3g=\n\n\u{2014} sum.golang.org \
            Az3grkwAPWdf0j0QaqFdZ3Hg/pDusO9we04GR+upDAujfj+kau8VzeyO7Xqw0j0qZNnwMvwiV98DluG2iyB8t4v4WQU=\n";
        let key = Key::parse(SUM_GOLANG_ORG).unwrap();
        assert!(key.open(note).unwrap().ends_with("J3g=\n"));
        assert!(key.open(&note.replace("66398721", "66398722")).is_err());
        let answer = format!("27869929\n{}\n{note}", record("v0.0.1-go1.22.5.linux-amd64", 1));
        let paths: Vec<_> =
            Lookup::open(answer.as_bytes(), &key).unwrap().tiles().into_iter().map(Tile::path).collect();
        assert!(paths.contains(&"tile/8/0/x108/866".to_owned()), "{paths:?}");
        assert!(paths.contains(&"tile/8/0/x259/370.p/1".to_owned()), "{paths:?}");
        assert!(paths.contains(&"tile/8/3/000.p/3".to_owned()), "{paths:?}");
    }
}
