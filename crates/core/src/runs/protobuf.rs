//! The protobuf wire format, as much of it as event files and W&B's records use.
//!
//! A message is a sequence of fields, each a number and a value; what a field means is known to whoever reads it
//! (<https://protobuf.dev/programming-guides/encoding>). Nothing is copied, and nothing is trusted: a length that goes
//! beyond the message is [`Malformed`]. Groups, which were given up before either format came to be, are too.

/// A message that breaks off inside a field or has a kind of value that does not exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Malformed;

/// The value of a field. Whether bytes are text, a message or packed numbers is not written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Value<'a> {
    Varint(u64),
    Fixed64(u64),
    Fixed32(u32),
    Bytes(&'a [u8]),
}

impl<'a> Value<'a> {
    /// The bytes of a string, message or packed list.
    pub(super) fn bytes(self) -> Option<&'a [u8]> {
        if let Self::Bytes(bytes) = self { Some(bytes) } else { None }
    }

    /// The text of a string; bytes that are no UTF-8 are replaced.
    pub(super) fn text(self) -> Option<String> {
        self.bytes().map(|bytes| String::from_utf8_lossy(bytes).into_owned())
    }

    /// A `double`.
    pub(super) fn double(self) -> Option<f64> {
        if let Self::Fixed64(bits) = self { Some(f64::from_bits(bits)) } else { None }
    }

    /// An `int32` or `int64`: a negative one takes all 64 bits.
    pub(super) fn int(self) -> Option<i64> {
        if let Self::Varint(bits) = self { Some(bits.cast_signed()) } else { None }
    }
}

/// The fields of a message, in the order they were written. After [`Malformed`] there are no more.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    pub(super) fn new(message: &'a [u8]) -> Self {
        Self { rest: message }
    }

    fn read(&mut self) -> Option<(u32, Value<'a>)> {
        let key = varint(&mut self.rest)?;
        let number = u32::try_from(key >> 3).ok()?;
        let value = match key & 7 {
            0 => Value::Varint(varint(&mut self.rest)?),
            1 => {
                let (bytes, rest) = self.rest.split_first_chunk()?;
                self.rest = rest;
                Value::Fixed64(u64::from_le_bytes(*bytes))
            }
            2 => {
                let length = usize::try_from(varint(&mut self.rest)?).ok()?;
                let (bytes, rest) = self.rest.split_at_checked(length)?;
                self.rest = rest;
                Value::Bytes(bytes)
            }
            5 => {
                let (bytes, rest) = self.rest.split_first_chunk()?;
                self.rest = rest;
                Value::Fixed32(u32::from_le_bytes(*bytes))
            }
            _ => return None,
        };
        (number != 0).then_some((number, value))
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<(u32, Value<'a>), Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let field = self.read();
        if field.is_none() {
            self.rest = &[];
        }
        Some(field.ok_or(Malformed))
    }
}

/// Takes one number of seven bits a byte, the lowest first, off the front.
pub(super) fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for (i, &byte) in bytes.iter().take(10).enumerate() {
        // The tenth byte has room for one bit.
        if i == 9 && byte > 1 {
            return None;
        }
        number |= u64::from(byte & 0x7f) << (7 * i);
        if byte < 0x80 {
            *bytes = &bytes[i + 1..];
            return Some(number);
        }
    }
    None
}

/// Messages for tests, written field by field.
#[cfg(test)]
#[derive(Debug, Clone, Default)]
pub(super) struct Message(pub(super) Vec<u8>);

#[cfg(test)]
impl Message {
    pub(super) fn new() -> Self {
        Self::default()
    }

    fn raw(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.0.push(number as u8 | 0x80);
            number >>= 7;
        }
        self.0.push(number as u8);
    }

    pub(super) fn int(mut self, field: u32, value: i64) -> Self {
        self.raw(u64::from(field) << 3);
        self.raw(value.cast_unsigned());
        self
    }

    pub(super) fn double(mut self, field: u32, value: f64) -> Self {
        self.raw(u64::from(field) << 3 | 1);
        self.0.extend(value.to_le_bytes());
        self
    }

    pub(super) fn float(mut self, field: u32, value: f32) -> Self {
        self.raw(u64::from(field) << 3 | 5);
        self.0.extend(value.to_le_bytes());
        self
    }

    pub(super) fn bytes(mut self, field: u32, bytes: impl AsRef<[u8]>) -> Self {
        self.raw(u64::from(field) << 3 | 2);
        self.raw(bytes.as_ref().len() as u64);
        self.0.extend(bytes.as_ref());
        self
    }
}

#[cfg(test)]
impl AsRef<[u8]> for Message {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn fields_come_back_as_they_were_written() {
        let message =
            Message::new().int(1, 150).int(2, -1).double(3, 0.5).float(4, 1.5).bytes(100, "testing");
        let fields: Result<Vec<_>, _> = Fields::new(&message.0).collect();
        assert_eq!(
            fields,
            Ok(vec![
                (1, Value::Varint(150)),
                (2, Value::Varint(u64::MAX)),
                (3, Value::Fixed64(0.5f64.to_bits())),
                (4, Value::Fixed32(1.5f32.to_bits())),
                (100, Value::Bytes(b"testing")),
            ])
        );
        // From the format's own documentation.
        assert_eq!(Fields::new(&[0x08, 0x96, 0x01]).next(), Some(Ok((1, Value::Varint(150)))));
    }

    #[test]
    fn what_breaks_off_is_malformed_and_the_end() {
        for bytes in [
            &[0x08][..],
            &[0x08, 0x80],
            &[0x09, 1, 2, 3],
            &[0x0d, 1],
            &[0x12, 5, 1],
            // A length of 2^63, a group, a field number of 0, a number of 70 bits.
            &[0x12, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 1],
            &[0x0b],
            &[0x00, 0x01],
            &[0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f],
        ] {
            let mut fields = Fields::new(bytes);
            assert_eq!(fields.next(), Some(Err(Malformed)), "{bytes:?}");
            assert_eq!(fields.next(), None, "{bytes:?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_come_to_an_end(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(Fields::new(&bytes).count() <= bytes.len());
        }
    }
}
