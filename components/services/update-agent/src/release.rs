//! What the boot loader orders a unified kernel image by: its section `.osrel`, an os-release(5), found
//! through the section table as the loader finds it (PE Format, "Section Table"; UAPI.5).

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

/// Most bytes of headers that are read; those of stubs end before 2,048.
const MOST_HEADERS: usize = 64 << 10;
/// Largest section that is read; real ones are a few hundred bytes.
const MOST_RELEASE: u32 = 64 << 10;

/// What is known of an image beside its name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Release {
    /// `IMAGE_ID`, else `ID`.
    pub sort_key: Option<String>,
    /// `IMAGE_VERSION`, else `VERSION`, else `VERSION_ID`, else `BUILD_ID`; empty without any.
    pub version: String,
}

/// Why a file is not an image that the loader would list.
#[derive(Debug, thiserror::Error)]
pub enum ImageProblem {
    /// It cannot be read, or ends too early.
    #[error("read {size} bytes at {offset:#x}: {error}")]
    Read {
        /// Where, from the start of the file.
        offset: u64,
        /// How much.
        size: usize,
        /// Why.
        error: io::Error,
    },
    /// It does not start as a program does.
    #[error("it is no PE file: {0}")]
    NotPe(&'static str),
    /// It was not written to its end.
    #[error("it has {size} bytes, of which a section ends at {end}")]
    Truncated {
        /// The file's size.
        size: u64,
        /// Where the section's bytes end.
        end: u64,
    },
    /// It has no such section, or one of an unlikely size.
    #[error("it has no section .osrel of 1 to {MOST_RELEASE} bytes")]
    NoRelease,
    /// The loader lists only what has a name.
    #[error("its section .osrel names nothing")]
    NoName,
}

impl Release {
    /// Reads it from an image; only the headers and that section.
    ///
    /// # Errors
    /// The file cannot be read, or the loader would not list it either.
    pub fn read(path: &Path) -> Result<Self, ImageProblem> {
        let opened = File::open(path);
        let file = opened.map_err(|error| ImageProblem::Read { offset: 0, size: 0, error })?;
        let dos = bytes(&file, 0, 64)?;
        if !dos.starts_with(b"MZ") {
            return Err(ImageProblem::NotPe("it does not start with MZ"));
        }
        // Signature and file header, then an optional header of the size that this one says.
        let nt = u64::from(u32_at(&dos, 0x3c));
        let header = bytes(&file, nt, 24)?;
        if !header.starts_with(b"PE\0\0") {
            return Err(ImageProblem::NotPe("its header has no signature"));
        }
        let (count, optional) = (u16_at(&header, 6), u16_at(&header, 20));
        let size = usize::from(count) * 40;
        if size > MOST_HEADERS {
            return Err(ImageProblem::NotPe("its section table is too long"));
        }
        let table = bytes(&file, nt + 24 + u64::from(optional), size)?;
        let size = file
            .metadata()
            .map_err(|error| ImageProblem::Read { offset: 0, size: 0, error })?
            .len();
        // Size and place of its bytes in the file.
        let ends = table.chunks_exact(40).map(|row| match u32_at(row, 16) {
            0 => 0,
            raw => u64::from(raw) + u64::from(u32_at(row, 20)),
        });
        if let Some(end) = ends.max().filter(|end| *end > size) {
            return Err(ImageProblem::Truncated { size, end });
        }
        let section = table.chunks_exact(40).find(|row| row.starts_with(b".osrel\0\0"));
        let section = section.ok_or(ImageProblem::NoRelease)?;
        // The size in memory is that of the content, the one in the file is rounded up.
        let [size, raw, offset] = [8, 16, 20].map(|at| u32_at(section, at));
        if !(1..=MOST_RELEASE.min(raw)).contains(&size) {
            return Err(ImageProblem::NoRelease);
        }
        Self::parse(&bytes(&file, offset.into(), size as usize)?)
    }

    /// Understands an os-release(5) as the loader does: the last of two equal keys counts.
    fn parse(text: &[u8]) -> Result<Self, ImageProblem> {
        let text = text.split(|byte| *byte == 0).next().unwrap_or_default();
        let text = String::from_utf8_lossy(text);
        let value = |wanted: &str| {
            let line = text.lines().map(str::trim).filter(|line| !line.starts_with('#'));
            let found =
                line.filter_map(|line| line.split_once('=')).rfind(|(key, _)| *key == wanted);
            found.map(|(_, value)| {
                let inner = value.strip_prefix('"').and_then(|value| value.strip_suffix('"'));
                inner.unwrap_or(value).to_owned()
            })
        };
        let first = |keys: &[&str]| keys.iter().find_map(|key| value(key));
        if first(&["PRETTY_NAME", "IMAGE_ID", "NAME", "ID"]).is_none() {
            return Err(ImageProblem::NoName);
        }
        let version = first(&["IMAGE_VERSION", "VERSION", "VERSION_ID", "BUILD_ID"]);
        Ok(Self { sort_key: first(&["IMAGE_ID", "ID"]), version: version.unwrap_or_default() })
    }
}

fn bytes(file: &File, offset: u64, size: usize) -> Result<Vec<u8>, ImageProblem> {
    let mut bytes = vec![0; size];
    let read = file.read_exact_at(&mut bytes, offset);
    read.map_err(|error| ImageProblem::Read { offset, size, error })?;
    Ok(bytes)
}

/// Of bytes that are there: the callers read as many.
fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use proptest::prelude::*;

    /// An image with the headers and sections that the reader looks at, `.osrel` the second.
    pub(crate) fn image(release: &str) -> Vec<u8> {
        let mut image = vec![0; 0x200];
        image[..2].copy_from_slice(b"MZ");
        image[0x3c] = 0x80;
        image[0x80..0x84].copy_from_slice(b"PE\0\0");
        (image[0x86], image[0x94]) = (2, 0x70);
        let table = 0x80 + 24 + 0x70;
        image[table..table + 5].copy_from_slice(b".text");
        let row = table + 40;
        image[row..row + 6].copy_from_slice(b".osrel");
        let raw = release.len().next_multiple_of(0x200);
        for (at, value) in [(8, release.len()), (16, raw), (20, 0x200)] {
            image[row + at..row + at + 4].copy_from_slice(&(value as u32).to_le_bytes());
        }
        image.extend(release.bytes());
        image.resize(0x200 + raw, 0);
        image
    }

    /// What the composer writes for a slot (`builders/disk.rs`).
    pub(crate) fn release(version: &str) -> String {
        format!(
            "ID=camera\nNAME=\"camera\"\nPRETTY_NAME=\"camera 1.0.0 (x)\"\nVERSION_ID={version:?}\n"
        )
    }

    fn read(image: &[u8]) -> Result<Release, String> {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), image).expect("written");
        Release::read(file.path()).map_err(|problem| problem.to_string())
    }

    #[test]
    fn what_the_loader_reads_is_read() {
        for (text, sort_key, version) in [
            (&release("1.0.0~b")[..], Some("camera"), "1.0.0~b"),
            ("ID=x\nVERSION_ID=2\nVERSION=1\nBUILD_ID=3", Some("x"), "1"),
            ("ID=x\nIMAGE_ID=y\nVERSION=1\nIMAGE_VERSION=0", Some("y"), "0"),
            ("NAME=x\n#VERSION_ID=1\n  VERSION_ID=2\nVERSION_ID=3\n", None, "3"),
            ("NAME=x\nBUILD_ID=1\0\nVERSION_ID=2", None, "1"),
            ("NAME=x", None, ""),
        ] {
            let expected =
                Release { sort_key: sort_key.map(str::to_owned), version: version.to_owned() };
            assert_eq!(read(&image(text)), Ok(expected), "{text}");
        }
        assert!(read(&image("VERSION=1")).is_err_and(|why| why.contains("names nothing")));
        assert!(read(&image("")).is_err_and(|why| why.contains("no section .osrel")));
        assert!(read(b"").is_err_and(|why| why.contains("read 64 bytes at 0x0")));
    }

    #[test]
    fn an_image_that_ends_early_is_named_wherever_it_ends() {
        let whole = image(&release("1"));
        for end in 0..whole.len() {
            assert!(read(&whole[..end]).is_err(), "{end} bytes");
        }
        assert!(read(&whole).is_ok());
    }

    proptest! {
        #[test]
        fn any_bytes_are_borne_with(changes in proptest::collection::vec((0usize..0x280, any::<u8>()), 1..6)) {
            let mut image = image(&release("1"));
            for (at, byte) in changes {
                image[at] = byte;
            }
            let _ = read(&image);
        }
    }
}
