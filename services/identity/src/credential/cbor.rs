//! Maps of CBOR (RFC 8949) as authenticators write them (CTAP 2.1, section 8): their length is
//! said beforehand, and no key is there twice. Two readers could take one value each.

use minicbor::data::Type;
use minicbor::{Decode, Decoder};

/// Most members; what authenticators write has six.
const MOST: u64 = 32;

/// A map whose keys are of one type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Map<'a, K>(Vec<(K, Value<'a>)>);

/// A value, as far as somebody here asks for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value<'a> {
    Int(i64),
    Bytes(&'a [u8]),
    Other,
}

impl<'a, K: Decode<'a, ()> + PartialEq> Map<'a, K> {
    /// The map that bytes begin with, and what is after it.
    pub fn read(bytes: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let mut decoder = Decoder::new(bytes);
        let length = decoder.map().ok().flatten().filter(|length| *length <= MOST)?;
        let mut members: Vec<(K, Value<'a>)> = Vec::new();
        for _ in 0..length {
            let key = decoder.decode().ok()?;
            let value = value(&mut decoder)?;
            if members.iter().any(|(known, _)| *known == key) {
                return None;
            }
            members.push((key, value));
        }
        Some((Self(members), bytes.get(decoder.position()..)?))
    }

    /// The number of a key.
    pub fn int(&self, key: K) -> Option<i64> {
        if let Some(Value::Int(number)) = self.get(&key) { Some(number) } else { None }
    }

    /// The bytes of a key.
    pub fn bytes(&self, key: K) -> Option<&'a [u8]> {
        if let Some(Value::Bytes(bytes)) = self.get(&key) { Some(bytes) } else { None }
    }

    fn get(&self, key: &K) -> Option<Value<'a>> {
        self.0.iter().find(|(known, _)| known == key).map(|(_, value)| *value)
    }
}

fn value<'a>(decoder: &mut Decoder<'a>) -> Option<Value<'a>> {
    match decoder.datatype().ok()? {
        Type::U8 | Type::U16 | Type::U32 | Type::U64 | Type::I8 | Type::I16 | Type::I32 | Type::I64 => {
            decoder.i64().ok().map(Value::Int)
        }
        Type::Bytes => decoder.bytes().ok().map(Value::Bytes),
        _ => decoder.skip().ok().map(|()| Value::Other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_found_by_their_keys_and_what_is_after_them_is_left() {
        let by_number = [0xa4, 0x01, 0x02, 0x26, 0x41, 0x09, 0x20, 0x39, 0x01, 0x00, 0x05, 0x81, 0xf5, 0x07];
        let (map, rest) = Map::<i64>::read(&by_number).unwrap();
        assert_eq!((map.int(1), map.int(-1), map.bytes(-7)), (Some(2), Some(-257), Some(&[9][..])));
        assert_eq!((map.int(5), map.bytes(5), map.int(6), map.bytes(1)), (None, None, None, None));
        assert_eq!(rest, [7]);
        let by_text = [0xa2, 0x61, 0x61, 0xa1, 0x01, 0x82, 0x01, 0x02, 0x62, 0xc3, 0xbc, 0x43, 1, 2, 3];
        let (map, rest) = Map::<&str>::read(&by_text).unwrap();
        assert_eq!((map.bytes("ü"), rest), (Some(&[1, 2, 3][..]), &[][..]));
        assert_eq!(Map::<i64>::read(&by_text), None, "keys of another type");
    }

    #[test]
    fn what_is_cut_without_a_length_too_long_or_there_twice_is_not_read() {
        let good = [0xa2, 0x01, 0x02, 0x20, 0x82, 0x02, 0x43, 1, 2, 3];
        assert!(Map::<i64>::read(&good).is_some());
        for length in 0..good.len() {
            assert_eq!(Map::<i64>::read(&good[..length]), None, "{length}");
        }
        let nested = [&[0xa1, 0x01][..], &vec![0x81; 30_000], &[0x00]].concat();
        assert!(Map::<i64>::read(&nested).is_some(), "takes no stack");
        for bad in [
            &[][..],
            &[0x01],
            &[0x80],
            &[0xbf, 0x01, 0x02, 0xff],
            &[0xa2, 0x01, 0x02, 0x01, 0x03],
            // The same number written in two ways.
            &[0xa2, 0x01, 0x02, 0x18, 0x01, 0x03],
            &[0xa1, 0x01, 0x5f, 0x41],
            &[0xa1, 0x01, 0x1b, 255, 0, 0, 0, 0, 0, 0, 0],
            &[0xbb, 0, 0, 0, 255, 255, 255, 255, 255],
            // A list that nobody has the memory for.
            &[0xa1, 0x01, 0x9b, 0, 0, 0, 255, 255, 255, 255, 255],
        ] {
            assert_eq!(Map::<i64>::read(bad), None, "{bad:x?}");
        }
    }
}
