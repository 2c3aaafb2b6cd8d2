//! The trailers in which a call says how it ended, read leniently: whoever wrote them, and
//! whatever proxy has joined them, the code is kept, and what cannot be read beside it is left
//! out. tonic's reader panics on details that are not base64, and makes an unknown error of
//! any whose message is not UTF-8. What a status means is said in `refusal`.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::DecodePaddingMode::Indifferent;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use http::header::GetAll;
use http::{HeaderMap, HeaderName, HeaderValue};
use percent_encoding::{AsciiSet, CONTROLS, percent_decode, utf8_percent_encode};
use tonic::{Code, Status};

const STATUS: HeaderName = Status::GRPC_STATUS;
const MESSAGE: HeaderName = Status::GRPC_MESSAGE;
const DETAILS: HeaderName = Status::GRPC_STATUS_DETAILS;

/// Most characters of a message that is written anew: each may take nine bytes.
const MAX_MESSAGE: usize = 1000;

/// What a message is written with (grpc/grpc, `doc/PROTOCOL-HTTP2.md`, `Percent-Encoded`).
const ENCODED: &AsciiSet = &CONTROLS.add(b'%');

/// What every reader takes.
const STRICT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(Indifferent),
);
/// What can be understood.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(Indifferent).with_decode_allow_trailing_bits(true),
);

/// What is to be done to a trailer.
enum Mend<T> {
    Nothing,
    Write(T),
    Remove,
}

/// Writes what cannot be read in them so that it can, or leaves it out. Says whether they say
/// how a call ended; others are left as they are.
pub fn mend_trailers(trailers: &mut HeaderMap) -> bool {
    if !trailers.contains_key(STATUS) {
        return false;
    }
    if let Some(code) = code(&trailers.get_all(STATUS)) {
        trailers.insert(STATUS, code.into());
    }
    if let Some(message) = message(&trailers.get_all(MESSAGE)) {
        trailers.insert(MESSAGE, message);
    }
    match details(&trailers.get_all(DETAILS)) {
        Mend::Nothing => {}
        Mend::Write(details) => {
            trailers.insert(DETAILS, details);
        }
        Mend::Remove => {
            trailers.remove(DETAILS);
        }
    }
    true
}

/// The code as it has to be written, if it is not.
fn code(values: &GetAll<'_, HeaderValue>) -> Option<u16> {
    let mut all = values.iter();
    let first = all.next()?;
    let as_written = |code: u16| code.to_string().as_bytes() == first.as_bytes();
    let numbers = pieces(values).filter_map(|piece| std::str::from_utf8(piece).ok()?.parse().ok());
    // Codes of later versions are unknown to everybody behind us.
    let mut read = numbers.map(|number: u16| if number <= 16 { number } else { Code::Unknown as u16 });
    // Of several an error is not taken for a success.
    let first_read = read.next().unwrap_or(Code::Unknown as u16);
    let code = if first_read == 0 { read.find(|code| *code != 0).unwrap_or(0) } else { first_read };
    (all.next().is_some() || !as_written(code)).then_some(code)
}

/// The message as it has to be written, if it is not.
fn message(values: &GetAll<'_, HeaderValue>) -> Option<HeaderValue> {
    let mut all = values.iter();
    let first = all.next()?;
    let is_plain = first.to_str().is_ok() && percent_decode(first.as_bytes()).decode_utf8().is_ok();
    if all.next().is_none() && is_plain {
        return None;
    }
    let text: String =
        percent_decode(first.as_bytes()).decode_utf8_lossy().chars().take(MAX_MESSAGE).collect();
    let written: String = utf8_percent_encode(&text, ENCODED).collect();
    Some(HeaderValue::try_from(written).unwrap_or(HeaderValue::from_static("")))
}

/// The details as every reader takes them.
fn details(values: &GetAll<'_, HeaderValue>) -> Mend<HeaderValue> {
    let mut all = values.iter();
    let Some(first) = all.next() else { return Mend::Nothing };
    if all.next().is_none() && STRICT.decode(first.as_bytes()).is_ok() {
        return Mend::Nothing;
    }
    let understood = pieces(values).find_map(|piece| LENIENT.decode(piece).ok());
    let written = understood.and_then(|details| HeaderValue::try_from(STRICT.encode(details)).ok());
    written.map_or(Mend::Remove, Mend::Write)
}

/// Values that were sent one by one, or were joined on the way; none is empty.
fn pieces<'v>(values: &GetAll<'v, HeaderValue>) -> impl Iterator<Item = &'v [u8]> {
    let pieces = values.iter().flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    pieces.map(<[u8]>::trim_ascii).filter(|piece| !piece.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trailers(of: &[(HeaderName, &[u8])]) -> HeaderMap {
        let mut trailers = HeaderMap::new();
        for (name, value) in of {
            trailers.append(name, HeaderValue::from_bytes(value).unwrap());
        }
        trailers
    }

    fn read(of: &[(HeaderName, &[u8])]) -> Status {
        let mut trailers = trailers(of);
        assert!(mend_trailers(&mut trailers));
        let once = trailers.clone();
        mend_trailers(&mut trailers);
        assert_eq!(trailers, once, "what is mended is whole");
        Status::from_header_map(&trailers).unwrap()
    }

    #[test]
    fn a_code_is_kept_however_it_is_written_and_what_is_none_is_unknown() {
        for (written, code) in [
            (&[&b"5"[..]][..], Code::NotFound),
            (&[b"0"], Code::Ok),
            (&[b"16"], Code::Unauthenticated),
            (&[b"05"], Code::NotFound),
            (&[b"5", b"13"], Code::NotFound),
            (&[b"5, 13"], Code::NotFound),
            (&[b"0", b"0"], Code::Ok),
            (&[b"0", b"5"], Code::NotFound),
            (&[b"", b"7"], Code::PermissionDenied),
            (&[b""], Code::Unknown),
            (&[b"99"], Code::Unknown),
            (&[b"17"], Code::Unknown),
            (&[b"-1"], Code::Unknown),
            (&[b"99999999999999999999"], Code::Unknown),
            (&[b"NOT_FOUND"], Code::Unknown),
            (&[b"\xff"], Code::Unknown),
        ] {
            let values: Vec<_> = written.iter().map(|value| (STATUS, *value)).collect();
            assert_eq!(read(&values).code(), code, "{written:?}");
        }
    }

    #[test]
    fn a_message_that_is_not_text_does_not_change_the_code() {
        for (written, message) in [
            (&[&b"caf%C3%A9"[..]][..], "café"),
            (&[b"50% off"], "50% off"),
            (&[b"a%zz%"], "a%zz%"),
            (&[b"%FF%fe"], "\u{fffd}\u{fffd}"),
            (&[b"a%C3"], "a\u{fffd}"),
            (&[b"\xff"], "\u{fffd}"),
            (&[b"caf\xc3\xa9"], "café"),
            (&[b"one", b"two"], "one"),
            (&[b"%0Aa%0D"], "\na\r"),
        ] {
            let mut values = vec![(STATUS, &b"5"[..])];
            values.extend(written.iter().map(|value| (MESSAGE, *value)));
            let status = read(&values);
            assert_eq!((status.code(), status.message()), (Code::NotFound, message), "{written:?}");
        }
        let long = read(&[(STATUS, b"5"), (MESSAGE, &[0xff; 16_000])]);
        assert_eq!(long.message().chars().count(), MAX_MESSAGE);
    }

    #[test]
    fn details_that_were_joined_or_are_not_base64_leave_the_status_as_it_is() {
        for (written, details) in [
            (&[&b"CAU="[..]][..], &[8, 5][..]),
            (&[b"CAU"], &[8, 5]),
            (&[b"CAU=,CAU="], &[8, 5]),
            (&[b"CAU=", b"CAU="], &[8, 5]),
            (&[b"CAU= , !"], &[8, 5]),
            (&[b"!", b"CAU="], &[8, 5]),
            (&[b"CAV="], &[8, 5]),
            (&[b"CAU=="], &[]),
            (&[b"C"], &[]),
            (&[b""], &[]),
            (&[b","], &[]),
            (&[b"\xff"], &[]),
        ] {
            let mut values = vec![(STATUS, &b"5"[..]), (MESSAGE, b"gone")];
            values.extend(written.iter().map(|value| (DETAILS, *value)));
            let status = read(&values);
            let read = (status.code(), status.message(), status.details());
            assert_eq!(read, (Code::NotFound, "gone", details), "{written:?}");
        }
    }

    #[test]
    fn what_can_be_read_is_passed_on_as_it_is_and_so_is_what_is_no_status() {
        for whole in [
            trailers(&[(STATUS, b"0")]),
            trailers(&[(STATUS, b"14"), (MESSAGE, b"a%20b%zz"), (DETAILS, b"CAU")]),
            trailers(&[(MESSAGE, b"%FF"), (DETAILS, b"!")]),
        ] {
            let mut mended = whole.clone();
            assert_eq!(mend_trailers(&mut mended), whole.contains_key(STATUS));
            assert_eq!(mended, whole);
        }
    }
}
