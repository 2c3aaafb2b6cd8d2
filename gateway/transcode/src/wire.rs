//! The protobuf wire format: tags, varints and lengths, read without copying and
//! written without a second pass (protobuf.dev/programming-guides/encoding).

use crate::error::OutputError;

/// Deepest nesting of messages, in both directions.
pub const MAX_DEPTH: usize = 100;

/// How a value is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WireType {
    Varint = 0,
    Fixed64 = 1,
    Delimited = 2,
    StartGroup = 3,
    EndGroup = 4,
    Fixed32 = 5,
}

/// What is left of an encoded message.
#[derive(Debug, Clone, Copy)]
pub struct Wire<'w>(pub &'w [u8]);

/// A value as it stands on the wire; a length or group is taken off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Raw<'w> {
    Varint(u64),
    Fixed64(u64),
    Fixed32(u32),
    Delimited(&'w [u8]),
    Group(&'w [u8]),
}

impl<'w> Wire<'w> {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Number and type of the next field.
    #[inline]
    pub fn tag(&mut self) -> Result<(u32, WireType), OutputError> {
        let tag = u32::try_from(self.varint()?).map_err(|_| OutputError::Malformed)?;
        let wire_type = match tag & 7 {
            0 => WireType::Varint,
            1 => WireType::Fixed64,
            2 => WireType::Delimited,
            3 => WireType::StartGroup,
            4 => WireType::EndGroup,
            5 => WireType::Fixed32,
            _ => return Err(OutputError::Malformed),
        };
        if tag >> 3 == 0 { Err(OutputError::Malformed) } else { Ok((tag >> 3, wire_type)) }
    }

    /// Most are one byte.
    #[inline]
    pub fn varint(&mut self) -> Result<u64, OutputError> {
        match self.0.split_first() {
            Some((&first, rest)) if first < 0x80 => {
                self.0 = rest;
                Ok(u64::from(first))
            }
            _ => self.long_varint(),
        }
    }

    fn long_varint(&mut self) -> Result<u64, OutputError> {
        let mut value = 0;
        for (at, &byte) in self.0.iter().enumerate().take(10) {
            if at == 9 && byte > 1 {
                return Err(OutputError::Malformed);
            }
            value |= u64::from(byte & 0x7f) << (7 * at);
            if byte < 0x80 {
                self.0 = &self.0[at + 1..];
                return Ok(value);
            }
        }
        Err(OutputError::Malformed)
    }

    pub fn fixed32(&mut self) -> Result<u32, OutputError> {
        let (bytes, rest) = self.0.split_first_chunk().ok_or(OutputError::Malformed)?;
        self.0 = rest;
        Ok(u32::from_le_bytes(*bytes))
    }

    pub fn fixed64(&mut self) -> Result<u64, OutputError> {
        let (bytes, rest) = self.0.split_first_chunk().ok_or(OutputError::Malformed)?;
        self.0 = rest;
        Ok(u64::from_le_bytes(*bytes))
    }

    #[inline]
    pub fn delimited(&mut self) -> Result<&'w [u8], OutputError> {
        let length = usize::try_from(self.varint()?).map_err(|_| OutputError::Malformed)?;
        let (bytes, rest) = self.0.split_at_checked(length).ok_or(OutputError::Malformed)?;
        self.0 = rest;
        Ok(bytes)
    }

    /// The value after a tag.
    #[inline]
    pub fn raw(&mut self, number: u32, wire_type: WireType, depth: usize) -> Result<Raw<'w>, OutputError> {
        Ok(match wire_type {
            WireType::Varint => Raw::Varint(self.varint()?),
            WireType::Fixed64 => Raw::Fixed64(self.fixed64()?),
            WireType::Fixed32 => Raw::Fixed32(self.fixed32()?),
            WireType::Delimited => Raw::Delimited(self.delimited()?),
            WireType::StartGroup => Raw::Group(self.group(number, depth)?),
            WireType::EndGroup => return Err(OutputError::Malformed),
        })
    }

    /// What stands between the start and the end of a group.
    fn group(&mut self, number: u32, depth: usize) -> Result<&'w [u8], OutputError> {
        if depth >= MAX_DEPTH {
            return Err(OutputError::Malformed);
        }
        let whole = self.0;
        loop {
            let inner = whole.len() - self.0.len();
            match self.tag()? {
                (ends, WireType::EndGroup) if ends == number => return Ok(&whole[..inner]),
                (inside, wire_type) => self.raw(inside, wire_type, depth + 1)?,
            };
        }
    }
}

/// The last value of a field in a message of few fields.
#[inline]
pub fn last(wire: &[u8], wanted: u32) -> Result<Option<Raw<'_>>, OutputError> {
    let mut found = None;
    let mut rest = Wire(wire);
    while !rest.is_empty() {
        let (number, wire_type) = rest.tag()?;
        let raw = rest.raw(number, wire_type, 0)?;
        if number == wanted {
            found = Some(raw);
        }
    }
    Ok(found)
}

#[allow(clippy::cast_possible_wrap)]
pub fn zigzag32(value: u32) -> i32 {
    (value >> 1) as i32 ^ -((value & 1) as i32)
}

#[allow(clippy::cast_possible_wrap)]
pub fn zigzag64(value: u64) -> i64 {
    (value >> 1) as i64 ^ -((value & 1) as i64)
}

pub fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        #[allow(clippy::cast_possible_truncation)]
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    #[allow(clippy::cast_possible_truncation)]
    out.push(value as u8);
}

/// The bytes of a tag.
pub fn tag(number: u32, wire_type: WireType) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(5);
    put_varint(&mut bytes, u64::from(number) << 3 | wire_type as u64);
    bytes
}

/// Leaves room for a length; [`close`] fills it in.
pub fn open(out: &mut Vec<u8>) -> usize {
    out.push(0);
    out.len()
}

/// Writes the length of what came after [`open`] before it.
pub fn close(out: &mut Vec<u8>, from: usize) {
    let length = out.len() - from;
    #[allow(clippy::cast_possible_truncation)]
    if length < 0x80 {
        out[from - 1] = length as u8;
        return;
    }
    let mut bytes = Vec::with_capacity(5);
    put_varint(&mut bytes, length as u64);
    let more = bytes.len() - 1;
    out.resize(out.len() + more, 0);
    out.copy_within(from..from + length, from + more);
    out[from - 1..from + more].copy_from_slice(&bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_filled_in_whatever_their_size() {
        for length in [0, 1, 127, 128, 300, 16_383, 16_384, 70_000] {
            let mut out = b"before".to_vec();
            let from = open(&mut out);
            out.extend((0..length).map(|at| u8::try_from(at % 251).unwrap()));
            close(&mut out, from);
            let mut wire = Wire(&out[6..]);
            let inner = wire.delimited().unwrap();
            assert_eq!((inner.len(), wire.is_empty()), (length, true));
            assert!(inner.iter().enumerate().all(|(at, byte)| usize::from(*byte) == at % 251));
        }
    }

    #[test]
    fn broken_wire_is_refused() {
        for bad in [&[0x80][..], &[0xff; 11], &[0x00], &[0x0e], &[0x07]] {
            assert!(Wire(bad).tag().is_err(), "{bad:?}");
        }
        assert!(Wire(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02]).varint().is_err());
        assert!(Wire(&[5, 1]).delimited().is_err());
        let deep = [0x0b].repeat(100_000);
        assert!(Wire(&deep[1..]).raw(1, WireType::StartGroup, 0).is_err());
    }
}
