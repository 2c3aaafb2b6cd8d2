//! The one message of a call in its frame (grpc/grpc, `doc/PROTOCOL-HTTP2.md`): whole, alone,
//! not too long, and compressed as its head says. tonic, which takes messages apart, answers
//! what is wrong with one by INTERNAL, as if it were the server's fault, and of several takes
//! the first. Here it is the caller's, which is told what to mend. gRPC has INTERNAL for a flag
//! that nothing explains, too: any stranger could then raise the alarm of defects.

use std::io::Read as _;

use boot::nothing_stored;
use bytes::Bytes;
use flate2::read::GzDecoder;
use frontdesk_proto::{ErrorReason, Refusal};
use http::{HeaderMap, HeaderName, HeaderValue};
use tonic::metadata::MetadataValue;
use tonic::{Code, Status};

const ENCODING: HeaderName = HeaderName::from_static("grpc-encoding");
/// By which a server says what it takes.
const TAKEN: &str = "grpc-accept-encoding";
/// What comes before a message: a flag, and its length in four bytes.
pub(crate) const PREFIX: usize = 5;

/// How the messages of a call are compressed, where their flags say that they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Coding {
    Identity,
    Gzip,
}

impl Coding {
    /// That which the head of a call names.
    pub(crate) fn of(headers: &HeaderMap) -> Result<Self, Status> {
        let mut named = headers.get_all(ENCODING).iter();
        match (named.next().map(HeaderValue::as_bytes), named.next()) {
            (None | Some(b"identity"), None) => Ok(Self::Identity),
            (Some(b"gzip"), None) => Ok(Self::Gzip),
            _ => Err(unknown_coding()),
        }
    }
}

/// Whether a message that begins so is known by that to be refused.
pub(crate) fn is_wrong(begun: &[u8], most: usize) -> bool {
    says(begun).is_some_and(|length| length > most || begun.len() - PREFIX > length)
}

/// How many bytes a message says that it has after its prefix.
pub(crate) fn says(begun: &[u8]) -> Option<usize> {
    let [_, length @ ..] = begun.first_chunk::<PREFIX>()?;
    Some(usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX))
}

/// The frame for whoever takes the message out of it, if that is another than came: nobody
/// has to inflate it again.
pub(crate) fn opened(sent: &[u8], coding: Coding, most: usize) -> Result<Option<Bytes>, Refusal> {
    let (Some(length), Some((prefix, message))) = (says(sent), sent.split_at_checked(PREFIX)) else {
        return Err(malformed(if sent.is_empty() {
            "it has no message, and its method takes one"
        } else {
            CUT_OFF
        }));
    };
    if length > most {
        return Err(too_long(most));
    }
    if message.len() < length {
        return Err(malformed(CUT_OFF));
    }
    if message.len() > length {
        return Err(malformed("more follows its message, and its method takes one"));
    }
    match (prefix[0], coding) {
        (0, _) => Ok(None),
        (1, Coding::Gzip) => inflated(message, most).map(Some),
        (1, Coding::Identity) => Err(malformed(
            "its message is flagged as compressed, and the header grpc-encoding does not say how",
        )),
        (flag, _) => Err(malformed(&format!("the flag before its message is {flag}, and takes 0 or 1"))),
    }
}

const CUT_OFF: &str = "its message is cut off";

fn inflated(message: &[u8], most: usize) -> Result<Bytes, Refusal> {
    let mut frame = vec![0; PREFIX];
    // One byte more than is allowed tells too much from enough.
    let read = GzDecoder::new(message).take(most as u64 + 1).read_to_end(&mut frame);
    let length = read.map_err(|_| malformed("its message is said to be gzip, and is none"))?;
    if length > most {
        return Err(too_long(most));
    }
    frame[1..PREFIX].copy_from_slice(&u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes());
    Ok(frame.into())
}

fn malformed(what: &str) -> Refusal {
    let sentence = nothing_stored(
        &format!("The call cannot be read: {what}."),
        "send one message in one frame, as gRPC has it",
    );
    Refusal::new(ErrorReason::MalformedRequest, sentence)
}

fn too_long(most: usize) -> Refusal {
    let sentence = format!("The message of this call has {most} bytes at most, also when it is inflated.");
    Refusal::new(ErrorReason::PayloadTooLarge, nothing_stored(&sentence, "send less"))
        .with("limit_bytes", most.to_string())
}

/// With the code of gRPC for it, which lets clients try again without compression.
fn unknown_coding() -> Status {
    let sentence = "The header grpc-encoding takes gzip or identity, once.";
    let sentence = nothing_stored(sentence, "send the message as it is, or in gzip");
    let refusal = Refusal::new(ErrorReason::UnsupportedMediaType, sentence);
    let refusal = refusal.with_code(Code::Unimplemented).with("header", ENCODING.as_str());
    let mut status = Status::from(refusal);
    status.metadata_mut().insert(TAKEN, MetadataValue::from_static("gzip,identity"));
    status
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    const MOST: usize = 100;

    fn frame(flag: u8, message: &[u8]) -> Vec<u8> {
        let length = u32::try_from(message.len()).unwrap().to_be_bytes();
        [&[flag][..], &length, message].concat()
    }

    fn gzip(length: usize) -> Vec<u8> {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
        gzip.write_all(&vec![7; length]).unwrap();
        gzip.finish().unwrap()
    }

    #[test]
    fn a_message_is_one_frame_and_is_handed_on_as_it_is_without_compression() {
        for coding in [Coding::Identity, Coding::Gzip] {
            assert_eq!(opened(&frame(0, b"ab"), coding, MOST), Ok(None));
            assert_eq!(opened(&frame(0, b""), coding, MOST), Ok(None));
        }
        for length in [0, 1, MOST] {
            let plain = opened(&frame(1, &gzip(length)), Coding::Gzip, MOST).unwrap().unwrap();
            assert_eq!(plain, frame(0, &vec![7; length]));
        }
    }

    #[test]
    fn whatever_is_none_is_refused_by_what_is_wrong_with_it() {
        let two = [frame(0, b"a"), frame(0, b"b")].concat();
        for (sent, coding, reason, word) in [
            (vec![], Coding::Identity, ErrorReason::MalformedRequest, "no message"),
            (vec![0, 0], Coding::Identity, ErrorReason::MalformedRequest, "cut off"),
            (frame(0, b"ab")[..6].to_vec(), Coding::Identity, ErrorReason::MalformedRequest, "cut off"),
            (two, Coding::Identity, ErrorReason::MalformedRequest, "more follows"),
            (frame(1, &gzip(1)), Coding::Identity, ErrorReason::MalformedRequest, "does not say how"),
            (frame(2, b"a"), Coding::Gzip, ErrorReason::MalformedRequest, "takes 0 or 1"),
            (
                frame(128, b"a"),
                Coding::Identity,
                ErrorReason::MalformedRequest,
                "flag before its message is 128",
            ),
            (frame(1, b"a"), Coding::Gzip, ErrorReason::MalformedRequest, "is none"),
            (frame(1, b""), Coding::Gzip, ErrorReason::MalformedRequest, "is none"),
            (frame(0, &[0; MOST + 1]), Coding::Identity, ErrorReason::PayloadTooLarge, "100 bytes"),
            (frame(1, &gzip(MOST + 1)), Coding::Gzip, ErrorReason::PayloadTooLarge, "100 bytes"),
            (vec![0, 255, 255, 255, 255], Coding::Identity, ErrorReason::PayloadTooLarge, "100 bytes"),
        ] {
            let refusal = opened(&sent, coding, MOST).unwrap_err();
            assert_eq!(refusal.reason(), reason, "{sent:?}");
            assert!(refusal.message().contains(word), "{}", refusal.message());
            assert!(refusal.message().contains("Nothing was stored; send"), "{}", refusal.message());
        }
    }

    #[test]
    fn a_coding_is_named_once_or_not_at_all() {
        let of = |values: &[&'static str]| {
            let values = values.iter().map(|value| (ENCODING, HeaderValue::from_static(value)));
            Coding::of(&values.collect())
        };
        assert_eq!(of(&[]).unwrap(), Coding::Identity);
        assert_eq!(of(&["identity"]).unwrap(), Coding::Identity);
        assert_eq!(of(&["gzip"]).unwrap(), Coding::Gzip);
        for unknown in [&["br"][..], &[""], &["gzip", "gzip"], &["gzip, identity"]] {
            let status = of(unknown).unwrap_err();
            assert_eq!(status.code(), Code::Unimplemented, "{unknown:?}");
            assert_eq!(status.metadata().get(TAKEN).unwrap(), "gzip,identity");
            let refusal = Refusal::from_status(&status).unwrap();
            assert_eq!(refusal.reason(), ErrorReason::UnsupportedMediaType);
        }
    }
}
