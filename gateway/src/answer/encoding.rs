//! Compressed bodies: gzip in requests, brotli and gzip in answers (RFC 9110,
//! sections 8.4 and 12.5.3).

use std::io::{self, Read, Write};
use std::sync::OnceLock;

use bytes::buf::Reader;
use bytes::{Buf, Bytes};
use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::{self, GzEncoder};
use frontdesk_proto::{ErrorReason, Refusal};
use http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, VARY};
use http::{HeaderMap, HeaderValue, Response};
use http_body_util::Full;
use tonic::body::Body;

use super::accept::{Entry, list};
use super::failure::{no_room_for_request, too_large};
use super::held::{Held, NoRoom, held};

/// Bodies below this many bytes are not compressed: they fit into a packet.
const WORTHWHILE: usize = 1024;
/// Bodies from this many bytes on are compressed on a thread for such work.
const LONG: usize = 64 * 1024;
/// Window of brotli as a power of two; answers are smaller than that.
const BROTLI_WINDOW: u32 = 22;
const BROTLI_QUALITY: u32 = 4;

/// How a body is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Coding {
    Brotli,
    Gzip,
}

impl Coding {
    fn name(self) -> &'static str {
        match self {
            Self::Brotli => "br",
            Self::Gzip => "gzip",
        }
    }
}

/// A request's body without its encoding, of `limit` bytes at most.
pub fn decoded(headers: &HeaderMap, body: Bytes, limit: usize) -> Result<Bytes, Refusal> {
    if is_gzip(headers)? { inflated(&body, limit) } else { Ok(body) }
}

/// What gzip was made of, of `limit` bytes at most.
pub fn inflated(body: &[u8], limit: usize) -> Result<Bytes, Refusal> {
    let mut inflated = Vec::new();
    // One byte more than is allowed tells too much from enough.
    let read = MultiGzDecoder::new(body).take(limit as u64 + 1).read_to_end(&mut inflated);
    match read {
        Ok(count) if count > limit => Err(too_large(limit)),
        Ok(_) => Ok(inflated.into()),
        Err(_) => Err(malformed_gzip()),
    }
}

fn malformed_gzip() -> Refusal {
    Refusal::new(ErrorReason::MalformedRequest, boot::nothing_stored(NOT_GZIP, ""))
}

/// The same, with its room among bodies, of a message that was not read before. A long one is
/// inflated on a thread for such work: a few KiB may become some MiB.
pub async fn inflated_with_room(body: Bytes, limit: usize) -> Result<Bytes, Refusal> {
    let from = MultiGzDecoder::new(body.reader()).take(limit as u64 + 1);
    let mut inflating = Inflating { from, all: Vec::new(), held: Held::nothing(), limit };
    if inflating.next_part()? {
        let rest = tokio::task::spawn_blocking(move || {
            while inflating.next_part()? {}
            Ok::<_, Refusal>(inflating)
        });
        inflating = rest.await.unwrap_or_else(|error| {
            tracing::warn!(%error, "a message could not be inflated");
            Err(no_room_for_request(NoRoom::OfAll))
        })?;
    }
    let Inflating { from: _, all, held, limit: _ } = inflating;
    Ok(held.with(all.into()))
}

/// A message of which some is inflated.
struct Inflating {
    from: io::Take<MultiGzDecoder<Reader<Bytes>>>,
    all: Vec<u8>,
    held: Held,
    limit: usize,
}

impl Inflating {
    /// Inflates some more; whether there may be more still.
    fn next_part(&mut self) -> Result<bool, Refusal> {
        let part = (&mut self.from).take(LONG as u64).read_to_end(&mut self.all);
        let count = part.map_err(|_| malformed_gzip())?;
        if self.all.len() > self.limit {
            return Err(too_large(self.limit));
        }
        self.held.add(count).map_err(no_room_for_request)?;
        Ok(count == LONG)
    }
}

/// Takes the encoding off a body that comes in parts.
pub struct Inflate(write::MultiGzDecoder<Vec<u8>>);

impl Inflate {
    /// Most bytes of a part: what comes of one is at most a thousand times as much.
    pub const PART: usize = 512;

    /// What inflates a request's body, if it has to be.
    pub fn of(headers: &HeaderMap) -> Result<Option<Self>, Refusal> {
        Ok(is_gzip(headers)?.then(|| Self(write::MultiGzDecoder::new(Vec::new()))))
    }

    /// What comes of a part, maybe nothing yet.
    pub fn part(&mut self, part: &[u8]) -> Result<Bytes, Refusal> {
        self.0.write_all(part).and_then(|()| self.0.flush()).map_err(|_| not_gzip())?;
        Ok(std::mem::take(self.0.get_mut()).into())
    }

    /// What is left at the end of the body.
    pub fn end(&mut self) -> Result<Bytes, Refusal> {
        self.0.try_finish().map_err(|_| not_gzip())?;
        Ok(std::mem::take(self.0.get_mut()).into())
    }
}

/// Whether a request's body is in gzip: of several codings, on however many lines, none is
/// taken.
pub fn is_gzip(headers: &HeaderMap) -> Result<bool, Refusal> {
    let mut encodings = headers.get_all(CONTENT_ENCODING).iter();
    let Some(first) = encodings.next() else { return Ok(false) };
    let mut encoding = String::from_utf8_lossy(first.as_bytes()).trim().to_ascii_lowercase();
    for more in encodings {
        encoding.push_str(", ");
        encoding.push_str(&String::from_utf8_lossy(more.as_bytes()));
    }
    match encoding.as_str() {
        "identity" => Ok(false),
        "gzip" | "x-gzip" => Ok(true),
        other => {
            let shown: String = other.chars().take(50).collect();
            Err(Refusal::new(
                ErrorReason::UnsupportedMediaType,
                boot::nothing_stored(
                    &format!(
                        "The body is encoded as {shown}, which is not taken. Send it as it is or with gzip."
                    ),
                    "",
                ),
            ))
        }
    }
}

const NOT_GZIP: &str = "The body is not gzip, as its Content-Encoding says.";

fn not_gzip() -> Refusal {
    Refusal::new(ErrorReason::MalformedRequest, NOT_GZIP)
}

/// A body in the best encoding that the caller takes, if there is room for it until it is
/// read.
pub async fn answer(wanted: &HeaderMap, body: Vec<u8>) -> Result<Response<Body>, NoRoom> {
    let coding = if body.len() < WORTHWHILE { None } else { choose(wanted) };
    let compressible = body.len() >= WORTHWHILE;
    let (body, compressed) = match coding {
        None => (body, None),
        Some(coding) if body.len() < LONG => {
            let compressed = compress(coding, &body).map(|body| (coding, body));
            (body, compressed)
        }
        Some(coding) => {
            let body = Bytes::from(body);
            let whole = body.clone();
            // A thread of the runtime has other calls to answer in the meantime.
            let compressed = tokio::task::spawn_blocking(move || compress(coding, &whole)).await;
            let compressed = compressed.unwrap_or_else(|error| {
                tracing::warn!(%error, "an answer could not be compressed");
                None
            });
            let compressed = compressed.map(|body| (coding, body));
            (body.into(), compressed)
        }
    };
    let (name, body) = match compressed {
        Some((coding, body)) => (Some(coding.name()), body),
        None => (None, body),
    };
    Ok(encoded(name, held(body.into())?, compressible))
}

/// A message in gzip, unless it is too short for that to be worthwhile.
pub async fn gzipped(message: &Bytes) -> Option<Vec<u8>> {
    if message.len() < WORTHWHILE {
        return None;
    }
    if message.len() < LONG {
        return compress(Coding::Gzip, message);
    }
    let message = message.clone();
    let compressed = tokio::task::spawn_blocking(move || compress(Coding::Gzip, &message)).await;
    compressed.unwrap_or_else(|error| {
        tracing::warn!(%error, "a message could not be compressed");
        None
    })
}

fn encoded(name: Option<&'static str>, body: Bytes, compressible: bool) -> Response<Body> {
    let mut response = Response::new(Body::new(Full::new(body)));
    let headers = response.headers_mut();
    if let Some(name) = name {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static(name));
    }
    if compressible {
        headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
    }
    response
}

/// A body that is always the same, compressed once in each coding that somebody takes.
#[derive(Debug)]
pub struct Prepared {
    plain: Bytes,
    brotli: OnceLock<Option<Bytes>>,
    gzip: OnceLock<Option<Bytes>>,
}

impl Prepared {
    pub fn new(body: Vec<u8>) -> Self {
        Self { plain: body.into(), brotli: OnceLock::new(), gzip: OnceLock::new() }
    }

    /// A body that was compressed before.
    pub fn compressed(plain: &'static [u8], brotli: &'static [u8], gzip: &'static [u8]) -> Self {
        let form = |body| OnceLock::from(Some(Bytes::from_static(body)));
        Self { plain: Bytes::from_static(plain), brotli: form(brotli), gzip: form(gzip) }
    }

    /// The body in the best encoding that the caller takes.
    pub fn answer(&self, wanted: &HeaderMap) -> Response<Body> {
        let coding = choose(wanted);
        let prepared = coding.and_then(|coding| {
            let place = match coding {
                Coding::Brotli => &self.brotli,
                Coding::Gzip => &self.gzip,
            };
            place.get_or_init(|| compress(coding, &self.plain).map(Bytes::from)).as_ref()
        });
        let name = coding.filter(|_| prepared.is_some()).map(Coding::name);
        encoded(name, prepared.unwrap_or(&self.plain).clone(), true)
    }
}

/// The coding with the highest weight; of equal ones brotli.
fn choose(wanted: &HeaderMap) -> Option<Coding> {
    let (mut brotli, mut gzip, mut any) = (None, None, None);
    for Entry { name, weight, .. } in list(wanted, &ACCEPT_ENCODING) {
        match name.as_str() {
            "br" => brotli = Some(weight),
            "gzip" | "x-gzip" => gzip = Some(weight),
            "*" => any = Some(weight),
            _ => {}
        }
    }
    let brotli = brotli.or(any).unwrap_or(0);
    let gzip = gzip.or(any).unwrap_or(0);
    match (brotli, gzip) {
        (0, 0) => None,
        (brotli, gzip) if brotli >= gzip => Some(Coding::Brotli),
        _ => Some(Coding::Gzip),
    }
}

fn compress(coding: Coding, body: &[u8]) -> Option<Vec<u8>> {
    let out = Vec::with_capacity(body.len() / 2);
    let written = match coding {
        Coding::Gzip => {
            let mut encoder = GzEncoder::new(out, Compression::fast());
            encoder.write_all(body).and_then(|()| encoder.finish())
        }
        Coding::Brotli => {
            let mut encoder = brotli::CompressorWriter::new(out, 4096, BROTLI_QUALITY, BROTLI_WINDOW);
            encoder.write_all(body).and_then(|()| encoder.flush()).map(|()| encoder.into_inner())
        }
    };
    written.map_err(|error| tracing::warn!(%error, "an answer could not be compressed")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(accept: &'static str) -> Option<Coding> {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static(accept));
        choose(&headers)
    }

    #[test]
    fn the_caller_chooses_the_coding() {
        for (accept, expected) in [
            ("gzip, deflate, br", Some(Coding::Brotli)),
            ("gzip, br;q=0.5", Some(Coding::Gzip)),
            ("gzip;q=0, br;q=0", None),
            ("*", Some(Coding::Brotli)),
            ("*;q=0.1, br;q=0", Some(Coding::Gzip)),
            ("deflate, zstd", None),
            ("identity", None),
            ("GZIP", Some(Coding::Gzip)),
        ] {
            assert_eq!(chosen(accept), expected, "{accept}");
        }
        assert_eq!(choose(&HeaderMap::new()), None);
    }

    #[test]
    fn a_body_that_stays_the_same_is_compressed_once() {
        let prepared = Prepared::new(b"booking ".repeat(100));
        let asked = |accept: &'static str| {
            let wanted = HeaderMap::from_iter([(ACCEPT_ENCODING, HeaderValue::from_static(accept))]);
            let coding = prepared.answer(&wanted).headers().get(CONTENT_ENCODING).cloned();
            let at =
                |place: &OnceLock<Option<Bytes>>| place.get().map(|body| body.as_ref().unwrap().as_ptr());
            (coding, [at(&prepared.brotli), at(&prepared.gzip)])
        };
        let (coding, [brotli, gzip]) = asked("br");
        assert!(coding.unwrap() == "br" && brotli.is_some() && gzip.is_none());
        assert_eq!(asked("gzip").0.unwrap(), "gzip");
        assert_eq!(asked("br").1[0], brotli);
        assert_eq!(asked("identity").0, None);
    }

    #[test]
    fn what_was_compressed_reads_as_before_and_a_bomb_is_refused() {
        let text = b"booking ".repeat(1000);
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        let packed = Bytes::from(compress(Coding::Gzip, &text).unwrap());
        assert_eq!(decoded(&headers, packed.clone(), 8000).unwrap(), text);
        assert_eq!(decoded(&headers, packed, 7999).unwrap_err().reason(), ErrorReason::PayloadTooLarge);
        let garbage = Bytes::from_static(b"not gzip");
        assert_eq!(decoded(&headers, garbage, 100).unwrap_err().reason(), ErrorReason::MalformedRequest);
        let mut unpacked = Vec::new();
        let packed = compress(Coding::Brotli, &text).unwrap();
        brotli::Decompressor::new(&*packed, 4096).read_to_end(&mut unpacked).unwrap();
        assert_eq!(unpacked, text);
    }

    #[test]
    fn a_body_in_parts_is_inflated_as_it_comes_however_much_it_grows() {
        let text = vec![b'x'; 4_000_000];
        let packed = compress(Coding::Gzip, &text).unwrap();
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        let inflated = |packed: &[u8]| -> Result<usize, Refusal> {
            let mut inflate = Inflate::of(&headers).unwrap().unwrap();
            let mut sum = 0;
            for part in packed.chunks(Inflate::PART) {
                let part = inflate.part(part)?;
                assert!(part.len() < 2000 * Inflate::PART && part.iter().all(|byte| *byte == b'x'));
                sum += part.len();
            }
            Ok(sum + inflate.end()?.len())
        };
        assert_eq!(inflated(&packed).unwrap(), text.len());
        // As one file after another.
        assert_eq!(inflated(&[packed.clone(), packed.clone()].concat()).unwrap(), 2 * text.len());
        let cut = &packed[..packed.len() - 9];
        for bad in [cut, b"not gzip at all"] {
            assert_eq!(inflated(bad).unwrap_err().reason(), ErrorReason::MalformedRequest);
        }
        assert!(Inflate::of(&HeaderMap::new()).unwrap().is_none());
    }
}
