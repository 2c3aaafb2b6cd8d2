//! The way that a call has come, as the proxies on it say in `X-Forwarded-For` and in
//! `Forwarded` (RFC 7239), each in a line of its own or in one that was there. It is sent on
//! with whoever is connected here as the last of it. What of it is believed is identity's to
//! say, as [`boot::TrustedProxies`] do: a line or a header that is left out would make the last
//! proxy the client, and its limits and addresses those of everybody behind it.

use std::net::IpAddr;

use boot::{FORWARDED_FOR, ProxyHeader};
use frontdesk_proto::{ErrorReason, Refusal};
use http::header::FORWARDED;
use http::{HeaderMap, HeaderName, HeaderValue};

/// Most bytes of all lines, each with what HTTP/2 counts besides its text. Whoever sends more
/// would be refused by identity's server, as if that could not be reached.
const MAX: usize = 4096;
const BESIDES: usize = 32;

/// The headers that are read.
const NAMES: [HeaderName; 2] = [FORWARDED_FOR, FORWARDED];

/// One line of a header.
pub type Line = (HeaderName, HeaderValue);

/// The lines of a call, in the order in which they were written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Way {
    lines: Vec<Line>,
}

impl Way {
    /// Reads the headers of a call; what they say is passed on as it is, but for a header that
    /// the proxies do not write beside the one that they do: that is a stranger's.
    pub fn read(headers: &HeaderMap, written: ProxyHeader) -> Result<Self, Refusal> {
        let written = written.inside(headers);
        let of =
            |name: HeaderName| headers.get_all(&name).iter().map(move |line| (name.clone(), line.clone()));
        let lines: Vec<Line> = NAMES.into_iter().filter(|name| written.has(name)).flat_map(of).collect();
        let bytes = |lines: &mut dyn Iterator<Item = &Line>| -> usize {
            lines.map(|(_, line)| line.len() + BESIDES).sum()
        };
        if bytes(&mut lines.iter()) > MAX {
            let bytes_of = |name: &HeaderName| bytes(&mut lines.iter().filter(|(of, _)| of == name));
            let longest = NAMES.into_iter().max_by_key(bytes_of).unwrap_or(FORWARDED_FOR);
            let sentence = format!("X-Forwarded-For and Forwarded are longer than {MAX} bytes.");
            return Err(Refusal::new(ErrorReason::InvalidHeader, sentence).with("header", longest.as_str()));
        }
        Ok(Self { lines })
    }

    /// The way of the call under way to this process: a header that is there goes on with
    /// whoever is connected, so that none of the two ends a hop before the other. Empty where
    /// nobody is. Another part of this process is no hop: what it says is passed on.
    pub fn to_here(&self) -> Vec<Line> {
        let Some(peer) = boot::peer() else { return Vec::new() };
        if boot::is_within() {
            return self.lines.clone();
        }
        let peer = peer.to_canonical();
        let has = |name: &HeaderName| self.lines.iter().any(|(of, _)| of == name);
        let forwarded = has(&FORWARDED).then(|| (FORWARDED, forwarded(peer)));
        let forwarded_for =
            (has(&FORWARDED_FOR) || forwarded.is_none()).then(|| (FORWARDED_FOR, peer.to_string()));
        let here = forwarded_for.into_iter().chain(forwarded);
        let here = here.filter_map(|(name, text)| Some((name, HeaderValue::try_from(text).ok()?)));
        self.lines.iter().cloned().chain(here).collect()
    }
}

/// An element of `Forwarded`.
fn forwarded(peer: IpAddr) -> String {
    match peer {
        IpAddr::V4(peer) => format!("for={peer}"),
        IpAddr::V6(peer) => format!("for=\"[{peer}]\""),
    }
}

#[cfg(test)]
mod tests {
    use boot::{Call, TrustedProxies};

    use super::*;

    fn headers(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        let lines =
            lines.iter().map(|&(name, line)| (HeaderName::from_static(name), HeaderValue::from_static(line)));
        let mut headers = HeaderMap::new();
        for (name, line) in lines {
            headers.append(name, line);
        }
        headers
    }

    /// What is sent on of these lines, from this peer.
    fn sent(peer: &str, lines: &[(&'static str, &'static str)]) -> HeaderMap {
        let call = Call::new(HeaderValue::from_static("id"), &HeaderMap::new());
        let peer = peer.parse().unwrap();
        call.came_from(peer, peer);
        let way = Way::read(&headers(lines), ProxyHeader::Auto).unwrap();
        let mut sent = HeaderMap::new();
        for (name, line) in call.run_now(|| way.to_here()) {
            sent.append(name, line);
        }
        sent
    }

    #[test]
    fn each_line_goes_on_and_each_header_ends_with_who_is_connected() {
        let (written, rfc) = ("x-forwarded-for", "forwarded");
        assert_eq!(sent("::ffff:192.0.2.1", &[]), headers(&[(written, "192.0.2.1")]));
        let lines = [(written, "203.0.113.9"), (written, "10.0.0.1, 10.0.0.2")];
        assert_eq!(sent("10.0.0.3", &lines), headers(&[lines[0], lines[1], (written, "10.0.0.3")]));
        let lines = [(rfc, "for=203.0.113.9"), (rfc, "for=10.0.0.1")];
        let ends = (rfc, "for=\"[2001:db8::1]\"");
        assert_eq!(sent("2001:db8::1", &lines), headers(&[lines[0], lines[1], ends]));
        let both = [(written, "203.0.113.9"), (rfc, "for=203.0.113.9")];
        let ends = [(written, "10.0.0.3"), (rfc, "for=10.0.0.3")];
        assert_eq!(sent("10.0.0.3", &both), headers(&[both[0], ends[0], both[1], ends[1]]));
        let way = Way::read(&headers(&both), ProxyHeader::Auto).unwrap();
        assert!(way.to_here().is_empty(), "nobody is connected");
    }

    /// A hop that is this machine would be believed, or be the client, for whoever connects
    /// from it.
    #[test]
    fn another_part_of_the_process_is_no_hop() {
        let call = Call::new(HeaderValue::from_static("id"), &HeaderMap::new());
        call.came_from_within("203.0.113.9".parse().unwrap());
        let lines = headers(&[("x-forwarded-for", "203.0.113.9")]);
        let way = Way::read(&lines, ProxyHeader::Auto).unwrap();
        let sent: HeaderMap = call.run_now(|| way.to_here()).into_iter().collect();
        assert_eq!(sent, lines);
    }

    /// Before, the last line alone went on, and it names the proxy before the last one.
    #[test]
    fn identity_finds_the_client_behind_several_proxies_however_they_write() {
        // Booking is one of them for identity, and is on this machine.
        let proxies: TrustedProxies = "127.0.0.1, 10.0.0.0/8".parse().unwrap();
        let booking = IpAddr::from([127, 0, 0, 1]);
        let client = |lines: &[_]| proxies.client(booking, &sent("10.0.0.3", lines)).to_string();
        let (written, rfc) = ("x-forwarded-for", "forwarded");
        for lines in [
            &[(written, "203.0.113.9"), (written, "10.0.0.1")][..],
            &[(written, "203.0.113.9, 10.0.0.1"), (written, "10.0.0.2")],
            &[(written, "6.6.6.6, 203.0.113.9"), (written, "10.0.0.1"), (written, "10.0.0.2")],
            &[(rfc, "for=203.0.113.9")],
            &[(rfc, "for=6.6.6.6, for=203.0.113.9"), (rfc, "for=10.0.0.1;proto=https")],
            &[(written, "203.0.113.9"), (rfc, "for=203.0.113.9"), (written, "10.0.0.1")],
        ] {
            assert_eq!(client(lines), "203.0.113.9", "{lines:?}");
        }
        let strangers = [(written, "203.0.113.9"), (rfc, "for=6.6.6.6")];
        assert_eq!(client(&strangers), boot::UNREADABLE.to_string());
        assert_eq!(client(&[(rfc, "for=9.9.9.9;host=\"")]), boot::UNREADABLE.to_string());
        let mut unread = headers(&[(written, "203.0.113.9")]);
        unread.append(written, HeaderValue::from_bytes(b"\xff").unwrap());
        let way = Way::read(&unread, ProxyHeader::Auto).unwrap();
        assert_eq!(way.lines.len(), 2, "what is no text is a hop, too");
    }

    #[test]
    fn a_way_that_identity_would_not_take_is_refused_by_name() {
        let read = |line: &str, times| {
            let mut headers = HeaderMap::new();
            for _ in 0..times {
                headers.append(FORWARDED, HeaderValue::from_str(line).unwrap());
            }
            Way::read(&headers, ProxyHeader::Auto).map(|way| way.lines.len())
        };
        assert_eq!(read(&"f".repeat(MAX - BESIDES), 1).unwrap(), 1);
        for (line, times) in [(&*"f".repeat(MAX - BESIDES + 1), 1), ("", MAX / BESIDES + 1)] {
            let refusal = read(line, times).unwrap_err();
            assert_eq!(refusal.reason(), ErrorReason::InvalidHeader);
            assert!(refusal.metadata().any(|pair| pair == ("header", "forwarded")), "{refusal:?}");
        }
    }

    /// Before, whoever sent the other one as well was a client that nobody knows.
    #[test]
    fn a_header_that_the_proxies_do_not_write_does_not_go_on_beside_the_one_they_do() {
        let (for_, rfc) = (("x-forwarded-for", "203.0.113.9"), ("forwarded", "for=6.6.6.6"));
        let read = |written, lines: &[_]| {
            let way = Way::read(&headers(lines), written).unwrap();
            way.lines.iter().map(|(_, line)| line.to_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        for (written, on) in [(ProxyHeader::XForwardedFor, for_), (ProxyHeader::Forwarded, rfc)] {
            assert_eq!(read(written, &[rfc, for_]), [on.1]);
            // The gateway writes its own, whatever proxies write before this service.
            assert_eq!(read(written, &[for_]), [for_.1]);
            assert_eq!(read(written, &[rfc]), [rfc.1]);
        }
        assert_eq!(read(ProxyHeader::Auto, &[rfc, for_]), [for_.1, rfc.1]);
    }
}
