//! The framing of gRPC-Web: gRPC with its trailers in a last frame of the body,
//! and the text form of that in base64 (grpc/grpc, `doc/PROTOCOL-WEB.md`).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;

/// The flag of the frame that holds the trailers.
const TRAILERS: u8 = 0x80;
/// A frame begins with a flag and a length of four bytes.
const PREFIX: usize = 5;

/// The bytes of a text body: base64 in one or several pieces, each of which may
/// end in padding.
pub fn decode_text(text: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    let mut rest = text;
    while !rest.is_empty() {
        // A piece ends with the group of four that has padding in it.
        let padding = rest.iter().position(|byte| *byte == b'=');
        let end = padding.map_or(rest.len(), |at| rest.len().min((at / 4 + 1) * 4));
        let (piece, after) = rest.split_at(end);
        STANDARD.decode_vec(piece, &mut bytes).ok()?;
        rest = after;
    }
    Some(bytes)
}

/// A piece of a text body.
pub fn encode_text(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// Whether frames fill a body to its end: a service would wait for the rest.
pub fn are_frames(mut rest: &[u8]) -> bool {
    while !rest.is_empty() {
        let [_, a, b, c, d, after @ ..] = rest else { return false };
        let length = u32::from_be_bytes([*a, *b, *c, *d]) as usize;
        let Some(left) = after.get(length..) else { return false };
        rest = left;
    }
    true
}

/// Trailers as a frame: names and values as in HTTP/1.1. Values that are not
/// visible ASCII are left out.
pub fn trailer_frame(trailers: &HeaderMap) -> Vec<u8> {
    let mut frame = Vec::with_capacity(128);
    frame.extend_from_slice(&[TRAILERS, 0, 0, 0, 0]);
    for (name, value) in trailers {
        if value.to_str().is_ok() {
            for part in [name.as_str().as_bytes(), b":", value.as_bytes(), b"\r\n"] {
                frame.extend_from_slice(part);
            }
        }
    }
    let length = u32::try_from(frame.len() - PREFIX).unwrap_or(u32::MAX);
    frame[1..PREFIX].copy_from_slice(&length.to_be_bytes());
    frame
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn base64_is_read_in_pieces() {
        assert_eq!(decode_text(b"AAAAAAA=").unwrap(), [0; 5]);
        assert_eq!(decode_text(b"AAAAAAA=AQ==AgM=BAUG").unwrap(), [0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6]);
        for bad in [&b"AAA"[..], b"=AAA", b"====", b"A===", b"AAAA AAAA", b"\xff\xff\xff\xff"] {
            assert_eq!(decode_text(bad), None, "{}", bad.escape_ascii());
        }
    }

    #[test]
    fn frames_must_be_whole() {
        assert!(are_frames(&[]) && are_frames(&[0, 0, 0, 0, 2, 7, 7]));
        for bad in [&[0][..], &[0, 0, 0, 0], &[0, 0, 0, 0, 2, 7], &[0, 255, 255, 255, 255, 1]] {
            assert!(!are_frames(bad), "{bad:?}");
        }
    }

    #[test]
    fn trailers_are_a_frame() {
        let mut trailers = HeaderMap::new();
        trailers.insert("grpc-status", HeaderValue::from_static("0"));
        let frame = trailer_frame(&trailers);
        assert_eq!(frame, b"\x80\0\0\0\x0fgrpc-status:0\r\n");
        assert!(are_frames(&frame));
    }
}
