//! Archives made byte by byte, so that they can be wrong in every way.

use std::io::{Cursor, Write};

use zip::ZipWriter;
use zip::write::SimpleFileOptions;

/// A tar archive in the making; [`Tar::end`] adds the end mark.
pub struct Tar(pub Vec<u8>, u32);

impl Tar {
    pub fn new() -> Self {
        Self(Vec::new(), 0o644)
    }

    /// Sets the mode of the entries to come.
    pub fn mode(mut self, mode: u32) -> Self {
        self.1 = mode;
        self
    }

    pub fn file(self, name: &str, contents: &[u8]) -> Self {
        self.file_raw(name.as_bytes(), contents)
    }

    pub fn file_raw(self, name: &[u8], contents: &[u8]) -> Self {
        self.record(b'0', name, b"", contents.len() as u64, contents)
    }

    pub fn folder(self, name: &str) -> Self {
        self.entry(b'5', name, "", b"")
    }

    pub fn link(self, name: &str, target: &str) -> Self {
        self.entry(b'2', name, target, b"")
    }

    pub fn hard_link(self, name: &str, target: &str) -> Self {
        self.entry(b'1', name, target, b"")
    }

    pub fn entry(self, flag: u8, name: &str, link: &str, contents: &[u8]) -> Self {
        self.record(flag, name.as_bytes(), link.as_bytes(), contents.len() as u64, contents)
    }

    /// GNU's long name for the next entry.
    pub fn long_name(self, name: &str) -> Self {
        let contents = [name.as_bytes(), b"\0"].concat();
        self.record(b'L', b"././@LongLink", b"", contents.len() as u64, &contents)
    }

    pub fn pax(self, key: &str, value: &[u8]) -> Self {
        let contents = pax_record(key, value);
        self.record(b'x', b"PaxHeaders/x", b"", contents.len() as u64, &contents)
    }

    pub fn global(self, key: &str, value: &[u8]) -> Self {
        let contents = pax_record(key, value);
        self.record(b'g', b"pax_global_header", b"", contents.len() as u64, &contents)
    }

    /// An entry that announces more than it has.
    pub fn huge(self, flag: u8, size: u64) -> Self {
        self.record(flag, b"huge", b"", size, &[b'x'; 4096])
    }

    /// Flips a bit of a byte.
    pub fn spoil(mut self, at: usize) -> Self {
        self.0[at] ^= 1;
        self
    }

    pub fn end(mut self) -> Vec<u8> {
        self.0.extend([0; 1024]);
        self.0
    }

    fn record(mut self, flag: u8, name: &[u8], link: &[u8], size: u64, contents: &[u8]) -> Self {
        let mut header = tar::Header::new_ustar();
        let fields = header.as_old_mut();
        fields.name[..name.len()].copy_from_slice(name);
        fields.linkname[..link.len()].copy_from_slice(link);
        fields.linkflag = [flag];
        header.set_mode(self.1);
        header.set_size(size);
        header.set_cksum();
        self.0.extend(header.as_bytes());
        self.0.extend(contents);
        self.0.resize(self.0.len().next_multiple_of(512), 0);
        self
    }
}

fn pax_record(key: &str, value: &[u8]) -> Vec<u8> {
    let rest = key.len() + value.len() + 3;
    let mut length = rest + 1;
    while length != rest + length.to_string().len() {
        length += 1;
    }
    [format!("{length} {key}=").as_bytes(), value, b"\n"].concat()
}

/// A zip archive in the making.
pub struct Zip(ZipWriter<Cursor<Vec<u8>>>);

impl Zip {
    pub fn new() -> Self {
        Self(ZipWriter::new(Cursor::new(Vec::new())))
    }

    pub fn file(mut self, name: &str, mode: u32, contents: &[u8]) -> Self {
        // Small files are stored, so that a test can replace their bytes.
        let method =
            if contents.len() < 1000 { zip::CompressionMethod::Stored } else { zip::CompressionMethod::Deflated };
        self.0
            .start_file(name, SimpleFileOptions::default().compression_method(method).unix_permissions(mode))
            .unwrap();
        self.0.write_all(contents).unwrap();
        self
    }

    pub fn folder(mut self, name: &str) -> Self {
        self.0.add_directory(name, SimpleFileOptions::default()).unwrap();
        self
    }

    pub fn link(mut self, name: &str, target: &str) -> Self {
        self.0.add_symlink(name, target, SimpleFileOptions::default()).unwrap();
        self
    }

    pub fn comment(mut self, comment: &str) -> Self {
        self.0.set_comment(comment).unwrap();
        self
    }

    pub fn end(self) -> Vec<u8> {
        self.0.finish().unwrap().into_inner()
    }
}

/// Replaces every occurrence, or only the one with that number.
pub fn replace(bytes: &[u8], from: &[u8], to: &[u8], which: Option<usize>) -> Vec<u8> {
    assert_eq!(from.len(), to.len(), "offsets must stay");
    let mut bytes = bytes.to_vec();
    let found: Vec<usize> = (0..=bytes.len() - from.len()).filter(|at| bytes[*at..].starts_with(from)).collect();
    assert!(!found.is_empty(), "nothing to replace");
    for at in found.iter().enumerate().filter(|(n, _)| which.is_none_or(|which| which == *n)).map(|(_, at)| *at) {
        bytes[at..at + to.len()].copy_from_slice(to);
    }
    bytes
}

/// Sets a flag in all local and central headers of a zip (APPNOTE 4.3.7, 4.3.12).
pub fn flag(bytes: &[u8], flag: u8) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for at in 0..bytes.len() - 4 {
        match &bytes[at..at + 4] {
            b"PK\x03\x04" => bytes[at + 6] |= flag,
            b"PK\x01\x02" => bytes[at + 8] |= flag,
            _ => {}
        }
    }
    bytes
}

/// Replaces a Unix mode in the central headers of a zip.
pub fn mode(bytes: &[u8], from: u32, to: u32) -> Vec<u8> {
    replace(bytes, &(from << 16).to_le_bytes(), &(to << 16).to_le_bytes(), None)
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub fn zstd(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 3).unwrap();
    encoder.include_checksum(true).unwrap();
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Makes an xz stream of one block, stored and checked by CRC-32 (<https://tukaani.org/xz/xz-file-format.txt>), whose
/// dictionary is coded as `dictionary`: 40 stands for 4 GiB.
pub fn xz(bytes: &[u8], dictionary: u8) -> Vec<u8> {
    assert!(bytes.len() <= 1 << 16, "one chunk");
    let flags = [0, 1];
    let header = with_crc(&[2, 0, 0x21, 1, dictionary, 0, 0, 0]);
    let length = (bytes.len() as u16).wrapping_sub(1).to_be_bytes();
    let mut block = [&header[..], &[1], &length, bytes, &[0]].concat();
    let unpadded = block.len() + 4;
    block.resize(block.len().next_multiple_of(4), 0);
    block.extend(crc(bytes));
    let mut index = vec![0, 1];
    for number in [unpadded, bytes.len()] {
        let mut rest = number;
        while rest > 127 {
            index.push(rest as u8 | 128);
            rest >>= 7;
        }
        index.push(rest as u8);
    }
    index.resize(index.len().next_multiple_of(4), 0);
    let index = with_crc(&index);
    let backward = ((index.len() / 4 - 1) as u32).to_le_bytes();
    let footer = [&backward[..], &flags].concat();
    [&b"\xfd7zXZ\0"[..], &with_crc(&flags), &block, &index, &crc(&footer), &footer, b"YZ"].concat()
}

fn with_crc(bytes: &[u8]) -> Vec<u8> {
    [bytes, &crc(bytes)].concat()
}

fn crc(bytes: &[u8]) -> [u8; 4] {
    let mut crc = flate2::Crc::new();
    crc.update(bytes);
    crc.sum().to_le_bytes()
}
