//! Manifests as a few bytes, for the snapshot of a load: smaller and a hundred times faster to read
//! than their YAML. The form is private to one version of the tool. Unpacking refuses what packing
//! cannot have written, and judges names and words again, so no other bytes become a manifest.

use tarsia_model::{
    Blake3, ByteSize, CapabilityName, Millis, Name, Sha256, SourceId, Span, Spanned,
};

use crate::collection::{OneOrMany, Set, Table};
use crate::node::Scalar;

/// A type that can be packed; made for records and choices by their macros.
pub trait Pack: Sized {
    /// Writes it.
    fn pack(&self, packer: &mut Packer);

    /// Reads what [`Pack::pack`] wrote; `None` for anything else.
    fn unpack(unpacker: &mut Unpacker<'_>) -> Option<Self>;
}

/// The bytes of a manifest.
pub fn packed<T: Pack>(value: &T) -> Vec<u8> {
    let mut packer = Packer::default();
    value.pack(&mut packer);
    packer.bytes
}

/// The manifest in `bytes`, whose file now has the number `source`; `None` when they hold anything
/// else or more.
pub fn unpacked<T: Pack>(bytes: &[u8], source: SourceId) -> Option<T> {
    let mut unpacker = Unpacker::new(bytes, source);
    let value = T::unpack(&mut unpacker)?;
    unpacker.is_done().then_some(value)
}

/// Bytes while they are written.
#[derive(Default)]
pub struct Packer {
    /// What was written.
    pub bytes: Vec<u8>,
    /// Where the last span started: spans follow each other closely.
    last: u32,
}

impl Packer {
    /// A number in as many bytes as it needs, 7 bits each, the lowest first (LEB128).
    pub fn number(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.bytes.push(value.to_le_bytes()[0] | 0x80);
            value >>= 7;
        }
        self.bytes.push(value.to_le_bytes()[0]);
    }

    /// Bytes with their length before them.
    pub fn block(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        self.bytes.extend_from_slice(bytes);
    }

    /// A place; its file is not written, so that renumbering files changes nothing.
    pub fn span(&mut self, span: Span) {
        let delta = i64::from(span.start) - i64::from(self.last);
        self.last = span.start;
        self.number(((delta << 1) ^ (delta >> 63)).cast_unsigned());
        self.number(u64::from(span.end.saturating_sub(span.start)));
    }

    /// A list with its length before it.
    pub fn list<'v, T: Pack + 'v>(&mut self, values: impl ExactSizeIterator<Item = &'v T>) {
        self.number(values.len() as u64);
        values.for_each(|value| value.pack(self));
    }
}

/// Bytes while they are read.
pub struct Unpacker<'b> {
    bytes: &'b [u8],
    source: SourceId,
    last: u32,
}

impl<'b> Unpacker<'b> {
    /// Starts to read bytes with the places of the file `source`.
    pub const fn new(bytes: &'b [u8], source: SourceId) -> Self {
        Self { bytes, source, last: 0 }
    }

    /// Whether all was read.
    pub const fn is_done(&self) -> bool {
        self.bytes.is_empty()
    }

    /// What is not read yet.
    pub const fn rest(&self) -> &'b [u8] {
        self.bytes
    }

    /// One byte.
    pub fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.bytes.split_first()?;
        self.bytes = rest;
        Some(*first)
    }

    /// A number of at most 64 bits.
    pub fn number(&mut self) -> Option<u64> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                return None;
            }
            value |= bits << shift;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }

    /// A number that counts what follows; no more than there are bytes.
    pub fn count(&mut self) -> Option<usize> {
        let count = usize::try_from(self.number()?).ok()?;
        (count <= self.bytes.len()).then_some(count)
    }

    /// So many bytes.
    pub fn take(&mut self, count: usize) -> Option<&'b [u8]> {
        let (taken, rest) = self.bytes.split_at_checked(count)?;
        self.bytes = rest;
        Some(taken)
    }

    /// Bytes with their length before them.
    pub fn block(&mut self) -> Option<&'b [u8]> {
        let count = self.count()?;
        self.take(count)
    }

    /// Text with its length before it.
    pub fn text(&mut self) -> Option<&'b str> {
        std::str::from_utf8(self.block()?).ok()
    }

    /// A place.
    pub fn span(&mut self) -> Option<Span> {
        let folded = self.number()?;
        let delta = (folded >> 1).cast_signed() ^ -(folded & 1).cast_signed();
        let start = u32::try_from(i64::from(self.last).checked_add(delta)?).ok()?;
        let length = u32::try_from(self.number()?).ok()?;
        self.last = start;
        Some(Span::new(self.source, start, start.checked_add(length)?))
    }

    /// A list with its length before it.
    pub fn list<T: Pack>(&mut self) -> Option<Vec<T>> {
        let count = self.count()?;
        let mut values = Vec::with_capacity(count);
        for _ in 0..count {
            values.push(T::unpack(self)?);
        }
        Some(values)
    }
}

/// Types that are written as a number.
macro_rules! as_number {
    ($($type:ty: $write:expr, $read:expr;)*) => {$(
        impl Pack for $type {
            fn pack(&self, packer: &mut Packer) {
                let write: fn(&Self) -> u64 = $write;
                packer.number(write(self));
            }
            fn unpack(unpacker: &mut Unpacker<'_>) -> Option<Self> {
                let read: fn(u64) -> Option<Self> = $read;
                read(unpacker.number()?)
            }
        }
    )*};
}
as_number! {
    u64: |value| *value, Some;
    u32: |value| u64::from(*value), |number| Self::try_from(number).ok();
    ByteSize: |value| value.0, |number| Some(Self(number));
    Millis: |value| value.0, |number| Some(Self(number));
    bool: |value| u64::from(*value), |number| match number {
        0 => Some(false),
        1 => Some(true),
        _ => None,
    };
}

/// Types that are written as their text and judged again when it is read.
macro_rules! as_text {
    ($($type:ty),*) => {$(
        impl $crate::pack::Pack for $type {
            fn pack(&self, packer: &mut $crate::pack::Packer) {
                packer.block(self.as_str().as_bytes());
            }
            fn unpack(unpacker: &mut $crate::pack::Unpacker<'_>) -> Option<Self> {
                unpacker.text()?.parse().ok()
            }
        }
    )*};
}
pub(crate) use as_text;
as_text!(String, Name, CapabilityName);

macro_rules! as_digest {
    ($($type:ident),*) => {$(
        impl Pack for $type {
            fn pack(&self, packer: &mut Packer) {
                packer.block(&self.0);
            }
            fn unpack(unpacker: &mut Unpacker<'_>) -> Option<Self> {
                unpacker.block()?.try_into().ok().map(Self)
            }
        }
    )*};
}
as_digest!(Blake3, Sha256);

impl Pack for Scalar {
    fn pack(&self, packer: &mut Packer) {
        self.quoted.pack(packer);
        self.text.pack(packer);
    }
    fn unpack(unpacker: &mut Unpacker<'_>) -> Option<Self> {
        let quoted = Pack::unpack(unpacker)?;
        Some(Self { text: Pack::unpack(unpacker)?, quoted })
    }
}

impl<T: Pack> Pack for Spanned<T> {
    fn pack(&self, packer: &mut Packer) {
        packer.span(self.span);
        self.value.pack(packer);
    }
    fn unpack(unpacker: &mut Unpacker<'_>) -> Option<Self> {
        let span = unpacker.span()?;
        Some(Self::new(T::unpack(unpacker)?, span))
    }
}

impl<T: Pack> Pack for Option<T> {
    fn pack(&self, packer: &mut Packer) {
        self.is_some().pack(packer);
        self.iter().for_each(|value| value.pack(packer));
    }
    fn unpack(unpacker: &mut Unpacker<'_>) -> Option<Self> {
        if bool::unpack(unpacker)? { T::unpack(unpacker).map(Some) } else { Some(None) }
    }
}

impl<T: Pack> Pack for Box<T> {
    fn pack(&self, packer: &mut Packer) {
        self.as_ref().pack(packer);
    }
    fn unpack(unpacker: &mut Unpacker<'_>) -> Option<Self> {
        T::unpack(unpacker).map(Self::new)
    }
}

impl<T: Pack> Pack for Vec<T> {
    fn pack(&self, packer: &mut Packer) {
        packer.list(self.iter());
    }
    fn unpack(unpacker: &mut Unpacker<'_>) -> Option<Self> {
        unpacker.list()
    }
}

impl<K: Pack, V: Pack> Pack for (K, V) {
    fn pack(&self, packer: &mut Packer) {
        self.0.pack(packer);
        self.1.pack(packer);
    }
    fn unpack(unpacker: &mut Unpacker<'_>) -> Option<Self> {
        Some((K::unpack(unpacker)?, V::unpack(unpacker)?))
    }
}

/// Types that are written as their only field.
macro_rules! as_field {
    ($($type:ident<$($parameter:ident),*>),*) => {$(
        impl<$($parameter: Pack),*> Pack for $type<$($parameter),*> {
            fn pack(&self, packer: &mut Packer) {
                self.0.pack(packer);
            }
            fn unpack(unpacker: &mut Unpacker<'_>) -> Option<Self> {
                Pack::unpack(unpacker).map(Self)
            }
        }
    )*};
}
as_field!(Set<T>, OneOrMany<T>, Table<K, V>);
