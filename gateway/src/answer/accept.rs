//! What a caller takes: the lists with weights of `Accept` and `Accept-Encoding` (RFC 9110,
//! 12.4.2 and 12.5.1). One reader for all answers, of one message or of many. Which types a
//! route has is not known here.

use std::cmp::Reverse;

use http::header::{ACCEPT, HeaderName};
use http::{HeaderMap, HeaderValue};

/// The weight of what is named without one, in thousandths.
const WHOLE: u16 = 1000;
/// Longest header that is read; what is longer says nothing that anybody could mean.
const LONGEST: usize = 4096;

/// An entry of such a list.
#[derive(Debug, PartialEq, Eq)]
pub struct Entry {
    /// In lower case.
    pub name: String,
    /// In thousandths.
    pub weight: u16,
    /// Whether it asks for a variant of the type that we do not have.
    has_parameters: bool,
}

/// What the header `Accept` says, if it says anything.
#[derive(Debug)]
pub struct Accept(Option<Vec<Entry>>);

/// How well a type suits the caller: first by its weight, then by how exactly it is named,
/// then by how early.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fit {
    weight: u16,
    exact: u8,
    early: Reverse<usize>,
}

impl Accept {
    pub fn of(headers: &HeaderMap) -> Self {
        let entries: Vec<Entry> = list(headers, &ACCEPT).collect();
        let says_nothing =
            headers.get_all(ACCEPT).iter().all(|value| value.as_bytes().trim_ascii().is_empty());
        Self((!says_nothing).then_some(entries))
    }

    /// How well a type suits, in lower case and without parameters; nothing if it is ruled out.
    pub fn fit(&self, media: &str) -> Option<Fit> {
        let Some(entries) = &self.0 else {
            return Some(Fit { weight: WHOLE, exact: 0, early: Reverse(0) });
        };
        // What names the type more exactly counts, whatever the others say.
        let plain = entries.iter().enumerate().filter(|(_, entry)| !entry.has_parameters);
        let named = plain.filter_map(|(at, entry)| {
            let exact = exactness(&entry.name, media)?;
            Some((exact, entry.weight, Reverse(at)))
        });
        // Of a type with other parameters the plain one is what we have next to it.
        let variant = || {
            let mut others = entries.iter().enumerate().filter(|(_, entry)| entry.has_parameters);
            let (at, entry) = others.find(|(_, entry)| entry.name == media && entry.weight > 0)?;
            Some((2, entry.weight, Reverse(at)))
        };
        let (exact, weight, early) = named.max().or_else(variant)?;
        (weight > 0).then_some(Fit { weight, exact, early })
    }

    /// Whether a type is asked for by its name.
    pub fn names(&self, media: &str) -> bool {
        self.0.is_some() && self.fit(media).is_some_and(|fit| fit.exact == 2)
    }
}

/// Whether JSON may be answered. Most callers say one of two things, which are not taken apart.
pub fn takes_json(headers: &HeaderMap) -> bool {
    let mut values = headers.get_all(ACCEPT).iter().map(HeaderValue::as_bytes);
    match (values.next(), values.next()) {
        (None | Some(b"*/*" | b"application/json"), None) => true,
        _ => Accept::of(headers).fit("application/json").is_some(),
    }
}

/// The entries of a header, of all its lines. Bytes that are no text are part of no name.
pub fn list(headers: &HeaderMap, name: &HeaderName) -> impl Iterator<Item = Entry> {
    let values = headers.get_all(name).iter().map(HeaderValue::as_bytes);
    let values = values.filter(|value| value.len() <= LONGEST).map(String::from_utf8_lossy);
    values.flat_map(|value| {
        let entries = parts(&value, ',').filter(|entry| !entry.is_empty()).map(entry);
        entries.collect::<Vec<_>>()
    })
}

/// How exactly an entry's name is that of a type: by its name, its kind, or for being any.
fn exactness(name: &str, media: &str) -> Option<u8> {
    if name == media {
        return Some(2);
    }
    // The client library of Java writes any as `*`.
    if matches!(name, "*/*" | "*") {
        return Some(0);
    }
    let kind = name.strip_suffix('*').filter(|kind| kind.ends_with('/'))?;
    media.starts_with(kind).then_some(1)
}

fn entry(text: &str) -> Entry {
    let mut parts = parts(text, ';');
    let name = parts.next().unwrap_or_default().to_ascii_lowercase();
    let mut has_parameters = false;
    for part in parts.filter(|part| !part.is_empty()) {
        let (key, value) = part.split_once('=').unwrap_or((part, ""));
        let (key, value) = (key.trim(), value.trim());
        if key.eq_ignore_ascii_case("q") {
            // What follows the weight is no parameter of the type.
            return Entry { name, weight: thousandths(value), has_parameters };
        }
        // Whatever we have of text is in UTF-8.
        let is_ours =
            key.eq_ignore_ascii_case("charset") && value.trim_matches('"').eq_ignore_ascii_case("utf-8");
        has_parameters |= !is_ours;
    }
    Entry { name, weight: WHOLE, has_parameters }
}

/// The parts of a text, but for separators within quotes (RFC 9110, 5.6.4).
fn parts(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let (mut quoted, mut escaped) = (false, false);
    let separates = move |letter: char| {
        if std::mem::take(&mut escaped) {
            return false;
        }
        match letter {
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ => {}
        }
        letter == separator && !quoted
    };
    text.split(separates).map(str::trim)
}

/// A weight that cannot be read is the lowest that still counts.
fn thousandths(weight: &str) -> u16 {
    let (whole, fraction) = weight.split_once('.').unwrap_or((weight, ""));
    let valid =
        matches!(whole, "0" | "1") && fraction.len() <= 3 && fraction.bytes().all(|one| one.is_ascii_digit());
    let fraction = format!("{fraction:0<3}").parse().unwrap_or(1);
    match (valid, whole) {
        (false, _) => 1,
        (true, "1") => WHOLE,
        (true, _) => fraction,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const JSON: &str = "application/json";

    fn said(lines: &[&str]) -> HeaderMap {
        lines.iter().map(|line| (ACCEPT, HeaderValue::from_bytes(line.as_bytes()).unwrap())).collect()
    }

    fn weight(lines: &[&str]) -> u16 {
        let headers = said(lines);
        let weight = Accept::of(&headers).fit(JSON).map_or(0, |fit| fit.weight);
        assert_eq!(takes_json(&headers), weight > 0, "{lines:?}");
        weight
    }

    #[test]
    fn the_most_exact_range_says_what_a_type_weighs() {
        for (accept, expected) in [
            ("application/json", 1000),
            ("*/*", 1000),
            ("application/*", 1000),
            ("APPLICATION/Json;Q=0.5", 500),
            ("text/html, application/json ; q=0.25 , */*;q=0.9", 250),
            ("*/*;q=0.1, application/*;q=0.2", 200),
            ("application/json;q=0, */*", 0),
            ("application/json;q=0.000, application/*", 0),
            ("*/*;q=0", 0),
            ("application/json, */*;q=0", 1000),
            ("application/json;q=0.001", 1),
            ("text/html", 0),
            ("application/problem+json", 0),
            ("application/*+json", 0),
            ("*", 1000),
            ("text/html, image/gif, *; q=.2, */*; q=.2", 1),
            ("application/json;q=high", 1),
            ("application/json;q=1.5", 1000),
            ("", 1000),
            ("  ", 1000),
            (",", 0),
            ("nonsense", 0),
            ("*/json", 0),
        ] {
            assert_eq!(weight(&[accept]), expected, "{accept}");
        }
        assert_eq!(weight(&[]), 1000);
    }

    #[test]
    fn parameters_ask_for_a_variant_which_the_plain_type_stands_in_for() {
        for (accept, expected) in [
            ("application/json; charset=utf-8", 1000),
            ("application/json;charset=\"UTF-8\";q=0.3", 300),
            ("application/json;version=2", 1000),
            ("application/json;version=2;q=0.4", 400),
            ("application/json;version=2, */*;q=0.1", 100),
            ("application/json;version=2;q=0, application/json;q=0.2", 200),
            ("application/json;version=2;q=0", 0),
            ("application/json;q=0.7;version=2", 700),
            ("application/json;note=\"a,b;q=0\"", 1000),
            ("text/plain;note=\"x, application/json\"", 0),
            ("text/plain;note=\"\\\", application/json\"", 0),
            ("text/plain;note=\"open, application/json", 0),
        ] {
            assert_eq!(weight(&[accept]), expected, "{accept}");
        }
    }

    #[test]
    fn several_lines_are_one_list_and_strange_bytes_name_nothing() {
        assert_eq!(weight(&["text/html", "application/json;q=0.6"]), 600);
        assert_eq!(weight(&["application/json;q=0", "*/*"]), 0);
        assert_eq!(weight(&["\u{fc}/\u{fc}"]), 0);
        let bytes =
            HeaderMap::from_iter([(ACCEPT, HeaderValue::from_bytes(b"application/json\xff").unwrap())]);
        assert!(Accept::of(&bytes).fit(JSON).is_none());
        let long = format!("{}application/json", "text/html,".repeat(1000));
        assert_eq!(weight(&[&long]), 0);
    }

    #[test]
    fn of_equal_weights_the_exact_name_goes_before_and_then_the_earlier() {
        let fit = |accept: &str, media: &str| Accept::of(&said(&[accept])).fit(media).unwrap();
        let accept = "text/*, text/event-stream, application/json, text/html;q=0.1";
        assert!(fit(accept, "text/event-stream") > fit(accept, JSON));
        assert!(fit(accept, JSON) > fit(accept, "text/plain"));
        assert!(fit(accept, "text/plain") > fit(accept, "text/html"));
        assert!(Accept::of(&said(&[accept])).names("text/event-stream"));
        for other in ["*/*", "text/*", ""] {
            assert!(!Accept::of(&said(&[other])).names("text/event-stream"), "{other}");
        }
        assert!(!Accept::of(&HeaderMap::new()).names(JSON));
    }
}
