//! How much memory a kernel takes, from the header of the file that boots: a package of a distribution has no
//! `System.map` to speak of.

/// Bytes of memory that a kernel needs from its start on, with its variables and, where it unpacks itself, what
/// that takes. None for a file that is neither of the forms that say so:
///
/// - x86: `init_size` (Linux, Documentation/x86/boot.rst, "The Real-Mode Kernel Header", protocol 2.10 and later).
///   It is the larger of what the running kernel takes and what unpacking it takes, so it is never too small.
/// - arm64: `image_size` (Linux, Documentation/arm64/booting.rst, "Call the kernel image"; 0 before Linux 3.17).
pub fn memory(kernel: &[u8]) -> Option<u64> {
    x86(kernel).or_else(|| arm64(kernel))
}

fn x86(kernel: &[u8]) -> Option<u64> {
    let version = u16::from_le_bytes(at(kernel, 0x206)?);
    let known = at(kernel, 0x202)? == *b"HdrS" && version >= 0x020a;
    known.then_some(u64::from(u32::from_le_bytes(at(kernel, 0x260)?)))
}

fn arm64(kernel: &[u8]) -> Option<u64> {
    let size = u64::from_le_bytes(at(kernel, 16)?);
    (at(kernel, 56)? == *b"ARM\x64" && size > 0).then_some(size)
}

fn at<const N: usize>(bytes: &[u8], offset: usize) -> Option<[u8; N]> {
    bytes.get(offset..)?.first_chunk().copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_say_how_much_memory_a_kernel_takes() {
        let file = |parts: &[(usize, &[u8])], size: usize| {
            let mut bytes = vec![0; size];
            for (offset, part) in parts {
                bytes[*offset..offset + part.len()].copy_from_slice(part);
            }
            bytes
        };
        let magic: (usize, &[u8]) = (0x202, b"HdrS");
        let size: (usize, &[u8]) = (0x260, &[0, 0x80, 0xf9, 0x03]);
        let x86 = |version: &'static [u8]| file(&[magic, (0x206, version), size], 0x400);
        let arm = |size: &'static [u8]| file(&[(16, size), (56, b"ARM\x64")], 64);
        let cases = [
            (x86(&[0x0f, 0x02]), Some(0x03f9_8000)),
            (x86(&[0x0a, 0x02]), Some(0x03f9_8000)),
            (x86(&[0x09, 0x02]), None),
            (file(&[magic, (0x206, &[0x0f, 0x02])], 0x262), None),
            (arm(&[0, 0, 0, 2]), Some(0x0200_0000)),
            (arm(&[0, 0, 0, 0]), None),
            (Vec::new(), None),
            (vec![0; 0x1000], None),
        ];
        for (bytes, expected) in cases {
            assert_eq!(memory(&bytes), expected, "{} bytes", bytes.len());
        }
    }
}
