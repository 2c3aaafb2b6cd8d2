//! Envelopes of streams: a byte of flags, the length in four bytes, a message.

use bytes::{Buf, BufMut, Bytes, BytesMut};

/// Bytes before a message.
pub const PREFIX: usize = 5;
/// The message is compressed.
pub const COMPRESSED: u8 = 1;
/// It is the last one, about how the call ended.
pub const END: u8 = 2;

/// What has come of a sequence of envelopes and was not taken yet.
#[derive(Debug)]
pub struct Envelopes {
    begun: BytesMut,
    most: usize,
}

/// A message is longer than any may be.
#[derive(Debug, PartialEq, Eq)]
pub struct TooLong;

impl Envelopes {
    /// With messages of so many bytes at most.
    pub fn of_at_most(most: usize) -> Self {
        Self { begun: BytesMut::new(), most }
    }

    pub fn push(&mut self, data: &[u8]) {
        self.begun.extend_from_slice(data);
    }

    /// The next message with its flags, once it is whole.
    pub fn take(&mut self) -> Result<Option<(u8, Bytes)>, TooLong> {
        let Some((flags, length)) = first(&self.begun, self.most)? else { return Ok(None) };
        self.begun.advance(PREFIX);
        Ok(Some((flags, self.begun.split_to(length).freeze())))
    }

    /// Whether nothing of another message has come.
    pub fn are_whole(&self) -> bool {
        self.begun.is_empty()
    }
}

/// The first message, with its flags, of a body that came whole, from which it is taken and
/// not copied; `None` if it is cut off.
pub fn take(whole: &mut Bytes, most: usize) -> Result<Option<(u8, Bytes)>, TooLong> {
    let Some((flags, length)) = first(whole, most)? else { return Ok(None) };
    whole.advance(PREFIX);
    Ok(Some((flags, whole.split_to(length))))
}

/// The flags and the length of the first message, if all of it is there.
fn first(begun: &[u8], most: usize) -> Result<Option<(u8, usize)>, TooLong> {
    let [flags, a, b, c, d, rest @ ..] = begun else { return Ok(None) };
    let length = u32::from_be_bytes([*a, *b, *c, *d]) as usize;
    if length > most {
        return Err(TooLong);
    }
    Ok((rest.len() >= length).then_some((*flags, length)))
}

/// A message in its envelope, which gRPC's frames are, too.
pub fn envelope(flags: u8, message: &[u8]) -> Bytes {
    let mut envelope = BytesMut::with_capacity(PREFIX + message.len());
    envelope.put_u8(flags);
    // None has more than a few MiB.
    envelope.put_u32(u32::try_from(message.len()).unwrap_or(u32::MAX));
    envelope.put_slice(message);
    envelope.freeze()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn envelopes_are_taken_whole_however_they_come() {
        let sent = [&envelope(0, b"one")[..], &envelope(COMPRESSED, b""), &envelope(END, b"{}")].concat();
        let mut whole = Bytes::from(sent.clone());
        for expected in [(0, Bytes::from("one")), (1, Bytes::new()), (2, Bytes::from("{}"))] {
            assert_eq!(take(&mut whole, 3), Ok(Some(expected)));
        }
        assert_eq!((whole.len(), take(&mut whole, 3)), (0, Ok(None)));
        assert_eq!(take(&mut Bytes::from(sent[..7].to_vec()), 3), Ok(None));
        for size in 1..sent.len() {
            let mut envelopes = Envelopes::of_at_most(3);
            let mut taken = Vec::new();
            for part in sent.chunks(size) {
                envelopes.push(part);
                while let Some((flags, message)) = envelopes.take().unwrap() {
                    taken.push((flags, message.to_vec()));
                }
            }
            assert!(envelopes.are_whole());
            assert_eq!(taken, [(0, b"one".to_vec()), (1, vec![]), (2, b"{}".to_vec())]);
        }
        let mut envelopes = Envelopes::of_at_most(3);
        envelopes.push(&sent[..7]);
        assert_eq!(envelopes.take(), Ok(None));
        assert!(!envelopes.are_whole());
        let mut envelopes = Envelopes::of_at_most(3);
        envelopes.push(&envelope(0, b"four")[..PREFIX]);
        assert_eq!(envelopes.take(), Err(TooLong));
    }
}
