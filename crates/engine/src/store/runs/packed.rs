//! First bytes of files as they are kept, in the database and in memory: in less room than they had, where that pays.
//!
//! The first byte tells how:
//! - 0: they follow as they are.
//! - 1: how many they are, two bytes; the lower four bytes of their XXH3 of 64 bits; then they deflated (RFC 1951; zlib's
//!   frame around that has a check sum, too, but not every decoder looks at it). Numbers are little-endian.
//!
//! Whatever else is there, or is damaged, holds nothing: the file is to be read again.

use std::sync::Arc;

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};
use xxhash_rust::xxh3::xxh3_64;

use crate::scan::walk::HEAD;

const PLAIN: u8 = 0;
const DEFLATED: u8 = 1;

/// Bytes before those that are deflated.
const FRONT: usize = 7;

/// The first bytes of a file, [`HEAD`] at most. A copy of it costs nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packed(Arc<[u8]>);

impl Packed {
    /// Packs bytes; what is beyond [`HEAD`] is left out.
    #[must_use]
    pub fn new(bytes: &[u8]) -> Self {
        let bytes = bytes.get(..most()).unwrap_or(bytes);
        let packed = deflated(bytes).unwrap_or_else(|| [&[PLAIN], bytes].concat());
        Self(packed.into())
    }

    /// As they are stored.
    #[must_use]
    pub fn stored(&self) -> &[u8] {
        &self.0
    }

    /// How many they are, or are said to be: only [`Self::bytes`] finds damage behind that.
    #[must_use]
    pub fn len(&self) -> u64 {
        match &*self.0 {
            [PLAIN, bytes @ ..] => bytes.len() as u64,
            [DEFLATED, low, high, ..] => u16::from_le_bytes([*low, *high]).into(),
            _ => 0,
        }
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes; `None` if they are damaged, or kept in a way that this version of the program does not know.
    #[must_use]
    pub fn bytes(&self) -> Option<Vec<u8>> {
        match &*self.0 {
            [PLAIN, bytes @ ..] => (bytes.len() <= most()).then(|| bytes.to_vec()),
            [DEFLATED, _, _, a, b, c, d, deflated @ ..] => {
                let bytes = inflated(deflated, usize::try_from(self.len()).ok()?)?;
                (hash(&bytes) == [*a, *b, *c, *d]).then_some(bytes)
            }
            _ => None,
        }
    }
}

impl Default for Packed {
    fn default() -> Self {
        Self::new(&[])
    }
}

/// As they were stored.
impl From<Vec<u8>> for Packed {
    fn from(stored: Vec<u8>) -> Self {
        Self(stored.into())
    }
}

fn most() -> usize {
    usize::try_from(HEAD).unwrap_or(usize::MAX)
}

/// `None` if they would take no less room.
fn deflated(bytes: &[u8]) -> Option<Vec<u8>> {
    let count = u16::try_from(bytes.len()).ok()?;
    let mut packed = vec![0; bytes.len()];
    let room = packed.get_mut(FRONT..)?;
    let mut compress = Compress::new(Compression::fast(), false);
    let end = compress.compress(bytes, room, FlushCompress::Finish).ok()?;
    let len = usize::try_from(compress.total_out()).ok()?;
    if end != Status::StreamEnd {
        return None;
    }
    packed.truncate(FRONT + len);
    packed[0] = DEFLATED;
    packed[1..3].copy_from_slice(&count.to_le_bytes());
    packed[3..FRONT].copy_from_slice(&hash(bytes));
    Some(packed)
}

fn hash(bytes: &[u8]) -> [u8; 4] {
    let [a, b, c, d, ..] = xxh3_64(bytes).to_le_bytes();
    [a, b, c, d]
}

/// `None` unless they end there, and are exactly so many. What a stream claims beyond that is not written out.
fn inflated(deflated: &[u8], len: usize) -> Option<Vec<u8>> {
    if len > most() {
        return None;
    }
    let mut bytes = vec![0; len];
    let mut decompress = Decompress::new(false);
    let end = decompress.decompress(deflated, &mut bytes, FlushDecompress::Finish).ok()?;
    let is_whole = end == Status::StreamEnd
        && decompress.total_out() == len as u64
        && decompress.total_in() == deflated.len() as u64;
    is_whole.then_some(bytes)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use proptest::prelude::*;

    use super::*;

    /// A table as programs write them.
    fn table() -> Vec<u8> {
        let rows = (0_u32..200).map(|row| {
            let noise = f64::from(row.wrapping_mul(2_654_435_761) >> 8) / f64::from(1 << 24);
            format!("{row},{:.6},{:.8},{}\n", 2.0 / f64::from(row + 1) + noise / 50.0, 0.001 * noise, row / 8)
        });
        let mut bytes = format!("step,train_loss,lr,epoch\n{}", rows.collect::<String>()).into_bytes();
        bytes.truncate(most());
        bytes
    }

    /// Bytes in which nothing repeats.
    fn noise(len: usize) -> Vec<u8> {
        let mut state = 1_u64;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            state.to_be_bytes()[0]
        };
        (0..len).map(|_| next()).collect()
    }

    /// So many zeros, deflated.
    fn zeros(count: usize) -> Vec<u8> {
        let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(&vec![0; count]).expect("written");
        encoder.finish().expect("finished")
    }

    /// Something deflated that is said to be so many bytes, of zeros.
    fn claimed(deflated: &[u8], len: u16) -> Packed {
        let hash = hash(&vec![0; len.into()]);
        Packed::from([&[DEFLATED], len.to_le_bytes().as_slice(), &hash, deflated].concat())
    }

    #[test]
    fn a_table_takes_less_than_half_its_room() {
        let table = table();
        let packed = Packed::new(&table);
        assert_eq!(table.len(), most());
        assert!(packed.stored().len() * 2 < table.len(), "{} bytes", packed.stored().len());
        assert_eq!((packed.len(), packed.bytes()), (HEAD, Some(table.clone())));
        assert_eq!(Packed::from(packed.stored().to_vec()), packed);

        let longer = [table.as_slice(), b"more"].concat();
        assert_eq!(Packed::new(&longer), packed, "what is beyond is left out");
    }

    #[test]
    fn what_does_not_shrink_is_kept_as_it_is() {
        for bytes in [noise(most()), noise(300), b"step,loss\n1,2\n".to_vec(), vec![7], Vec::new()] {
            let packed = Packed::new(&bytes);
            assert_eq!(packed.stored(), [&[PLAIN], bytes.as_slice()].concat());
            assert_eq!((packed.len(), packed.bytes()), (bytes.len() as u64, Some(bytes.clone())));
            assert_eq!(packed.is_empty(), bytes.is_empty());
        }
        assert_eq!(Packed::default().bytes(), Some(Vec::new()));
    }

    #[test]
    fn what_is_damaged_or_of_another_kind_holds_nothing() {
        let table = table();
        let whole = Packed::new(&table).stored().to_vec();
        for len in 0..whole.len() {
            assert_eq!(Packed::from(whole[..len].to_vec()).bytes(), None, "the first {len} bytes");
        }
        let mut found = 0;
        // The kind apart, which is all that tells how the rest is to be taken.
        for at in 1..whole.len() {
            let mut other = whole.clone();
            other[at] ^= 0x10;
            // One repetition may stand for another of the same bytes.
            let bytes = Packed::from(other).bytes();
            assert!(bytes.as_ref().is_none_or(|bytes| *bytes == table), "byte {at}");
            found += usize::from(bytes.is_none());
        }
        assert!(found * 20 > whole.len() * 19, "{found} of {}", whole.len());
        assert_eq!(Packed::from([whole.as_slice(), b"x"].concat()).bytes(), None, "more behind it");
        let unknown = Packed::from(vec![2, 3, 0, b'a', b'b', b'c']);
        assert_eq!((unknown.bytes(), unknown.len()), (None, 0));
        // As they were kept once, without a kind.
        assert_eq!(Packed::from(b"step,loss\n".to_vec()).bytes(), None);
    }

    #[test]
    fn a_bomb_is_not_unpacked() {
        let bomb = zeros(1 << 20);
        assert!(bomb.len() < 10_000, "{} bytes", bomb.len());
        for len in [0, 1, 4095, 4096, 4097, u16::MAX] {
            assert_eq!(claimed(&bomb, len).bytes(), None, "said to be {len} bytes");
        }
        assert_eq!(claimed(&zeros(most()), 4096).bytes(), Some(vec![0; most()]));
        assert_eq!(claimed(&zeros(most() + 1), 4097).bytes(), None);
        assert_eq!(Packed::from(vec![PLAIN; most() + 2]).bytes(), None);
    }

    proptest! {
        #[test]
        fn what_was_packed_comes_back(bytes in prop::collection::vec(0_u8..8, 0..5000)) {
            let packed = Packed::new(&bytes);
            let kept = bytes.len().min(most());
            prop_assert!(packed.stored().len() <= kept + 1);
            prop_assert_eq!(packed.len(), kept as u64);
            prop_assert_eq!(packed.bytes(), Some(bytes[..kept].to_vec()));
        }

        #[test]
        fn whatever_is_stored_is_no_fault(stored in prop::collection::vec(any::<u8>(), 0..200), kind in 0_u8..3) {
            let packed = Packed::from([vec![kind], stored].concat());
            let bytes = packed.bytes();
            prop_assert!(bytes.is_none_or(|bytes| bytes.len() as u64 == packed.len()));
        }
    }
}
