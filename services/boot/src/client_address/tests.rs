use http::HeaderValue;

use super::*;

fn client(trusted: &str, peer: &str, forwarded: &[&'static str]) -> String {
    let mut headers = HeaderMap::new();
    for value in forwarded {
        headers.append(FORWARDED_FOR, HeaderValue::from_static(value));
    }
    trusted.parse::<TrustedProxies>().unwrap().client(peer.parse().unwrap(), &headers).to_string()
}

const PROXIES: &str = "10.0.0.0/8, ::1, 192.168.1.7";

/// Behind a proxy of ours that writes `Forwarded`.
fn forwarded(lines: &[&'static str]) -> String {
    let mut headers = HeaderMap::new();
    for line in lines {
        headers.append(FORWARDED, HeaderValue::from_static(line));
    }
    let peer = IpAddr::from([10, 1, 1, 1]);
    PROXIES.parse::<TrustedProxies>().unwrap().client(peer, &headers).to_string()
}

#[test]
fn only_trusted_proxies_are_believed() {
    assert_eq!(client("", "10.1.1.1", &["6.6.6.6"]), "10.1.1.1");
    assert_eq!(client(PROXIES, "9.9.9.9", &["6.6.6.6"]), "9.9.9.9");
    assert_eq!(client(PROXIES, "10.1.1.1", &["6.6.6.6"]), "6.6.6.6");
    assert_eq!(client(PROXIES, "10.1.1.1", &["1.2.3.4, 6.6.6.6, 192.168.1.7"]), "6.6.6.6");
    assert_eq!(client(PROXIES, "10.1.1.1", &["1.2.3.4", "6.6.6.6"]), "6.6.6.6");
    assert_eq!(client(PROXIES, "10.1.1.1", &["1.2.3.4, 6.6.6.6", "10.2.2.2:80, 192.168.1.7"]), "6.6.6.6");
    assert_eq!(client(PROXIES, "::ffff:10.1.1.1", &["6.6.6.6"]), "6.6.6.6");
    assert_eq!(client(PROXIES, "10.1.1.1", &[]), "10.1.1.1");
    assert_eq!(client(PROXIES, "11.1.1.1", &[]), "11.1.1.1");
    assert_eq!(client(PROXIES, "10.1.1.1", &["10.2.2.2"]), "10.2.2.2", "a caller among the proxies");
    for bad in ["x", "10.0.0.0/33", "10.0.0.0/x", "::/129"] {
        assert!(bad.parse::<TrustedProxies>().is_err(), "{bad}");
    }
}

#[test]
fn addresses_are_read_as_proxies_write_them() {
    for (written, read) in [
        ("6.6.6.6:4711", "6.6.6.6"),
        ("6.6.6.6:_port", "6.6.6.6"),
        (" 6.6.6.6 ", "6.6.6.6"),
        ("\"6.6.6.6:80\"", "6.6.6.6"),
        ("2001:db8::6", "2001:db8::6"),
        ("[2001:db8::6]", "2001:db8::6"),
        ("[2001:DB8::6]:4711", "2001:db8::6"),
        ("\"[2001:db8::6]:4711\"", "2001:db8::6"),
        ("fe80::6%eth0", "fe80::6"),
        ("[fe80::6%25eth0]:80", "fe80::6"),
        ("::ffff:6.6.6.6", "6.6.6.6"),
        ("[::ffff:6.6.6.6]:80", "6.6.6.6"),
        ("1.2.3.4, 6.6.6.6:1, 10.2.2.2:2, [::1]:3", "6.6.6.6"),
    ] {
        assert_eq!(client(PROXIES, "10.1.1.1", &[written]), read, "{written}");
    }
}

#[test]
fn what_cannot_be_read_is_nobody_that_is_known() {
    for written in [
        "junk",
        "unknown",
        "_hidden",
        "",
        "1.2.3.4,",
        "6.6.6.6, junk",
        "6.6.6.6, unknown, 10.2.2.2",
        "6.6.6.6:",
        "6.6.6.6:x",
        "6.6.6.6:+80",
        "[2001:db8::6]:+80",
        "6.6.6.6:99999",
        "6.6.6.6:_",
        "[6.6.6.6",
        "[2001:db8::6]80",
        "[]",
        "\"6.6.6.6",
        "fe80::6%",
        "6.6.6.6%eth0",
        "::",
        "0.0.0.0",
        "6.6.6.6;",
        "host.example",
    ] {
        assert_eq!(client(PROXIES, "10.1.1.1", &[written]), UNREADABLE.to_string(), "{written:?}");
    }
    let mut headers = HeaderMap::new();
    headers.append(FORWARDED_FOR, HeaderValue::from_static("6.6.6.6"));
    headers.append(FORWARDED_FOR, HeaderValue::from_bytes(b"\xff").unwrap());
    let proxies: TrustedProxies = PROXIES.parse().unwrap();
    assert_eq!(proxies.client([10, 1, 1, 1].into(), &headers), UNREADABLE, "a line that is no text");
}

/// Whoever believes everybody reads on to the first one, and not past what says nothing.
#[test]
fn nothing_is_believed_that_is_behind_a_hop_that_cannot_be_read() {
    let everybody = "::/0, 0.0.0.0/0";
    assert_eq!(client(everybody, "10.1.1.1", &["1.2.3.4, 6.6.6.6"]), "1.2.3.4");
    assert_eq!(client(everybody, "10.1.1.1", &["1.2.3.4, _hidden, 6.6.6.6"]), UNREADABLE.to_string());
}

#[test]
fn forwarded_is_read_as_rfc_7239_has_it() {
    for (written, read) in [
        ("for=6.6.6.6", "6.6.6.6"),
        ("For=\"[2001:db8:cafe::17]:4711\"", "2001:db8:cafe::17"),
        ("for=6.6.6.6;proto=http;by=10.1.1.1", "6.6.6.6"),
        ("for=6.6.6.6;", "6.6.6.6"),
        ("proto=https; FOR=6.6.6.6:80; host=\"a,b;c\"", "6.6.6.6"),
        ("for=1.2.3.4, for=6.6.6.6, for=10.2.2.2", "6.6.6.6"),
        ("host=\"x\\\", for=1.2.3.4\";for=6.6.6.6", "6.6.6.6"),
    ] {
        assert_eq!(forwarded(&[written]), read, "{written}");
    }
    assert_eq!(forwarded(&["for=1.2.3.4", "for=6.6.6.6, for=192.168.1.7"]), "6.6.6.6");
    for written in [
        "",
        "for=unknown",
        "for=_hidden",
        "for=\"_SEVKISEK\"",
        "proto=http",
        "for",
        "6.6.6.6",
        "for=2001:db8::x",
        "for=6.6.6.6;for=7.7.7.7",
        "for=6.6.6.6, proto=http",
        "for=\"6.6.6.6",
        "for=9.9.9.9;host=\", for=6.6.6.6",
        "for=9.9.9.9;host=\", for=\"6.6.6.6:80\"",
        "for=9.9.9.9;host=a\"b, for=6.6.6.6\"",
        "for=9.9.9.9;host=\"a\\\", for=6.6.6.6",
    ] {
        assert_eq!(forwarded(&[written]), UNREADABLE.to_string(), "{written:?}");
    }
}

/// Before, a client behind proxies that write one header became nobody by sending the other.
#[test]
fn a_header_that_the_proxies_do_not_write_is_not_read() {
    let proxies = |header| PROXIES.parse::<TrustedProxies>().unwrap().writing(header);
    let client_of = |proxies: TrustedProxies, one: Option<&'static str>, other: Option<&'static str>| {
        let mut headers = HeaderMap::new();
        for (name, value) in [(FORWARDED_FOR, one), (FORWARDED, other)] {
            headers.extend(value.map(|value| (name, HeaderValue::from_static(value))));
        }
        proxies.client([10, 1, 1, 1].into(), &headers).to_string()
    };
    let client = |header, one, other| client_of(proxies(header), one, other);
    let (one, other) = (Some("6.6.6.6"), Some("for=7.7.7.7"));
    assert_eq!(client(ProxyHeader::XForwardedFor, one, other), "6.6.6.6");
    assert_eq!(client(ProxyHeader::XForwardedFor, None, other), "10.1.1.1");
    assert_eq!(client(ProxyHeader::Forwarded, one, other), "7.7.7.7");
    assert_eq!(client(ProxyHeader::Forwarded, one, None), "10.1.1.1");
    assert_eq!(client(ProxyHeader::Auto, one, None), "6.6.6.6");
    assert_eq!(client(ProxyHeader::Auto, None, other), "7.7.7.7");
    // The gateway calls as well, and writes X-Forwarded-For alone.
    let inside = |header, one, other| client_of(proxies(header).inside(), one, other);
    assert_eq!(inside(ProxyHeader::XForwardedFor, one, other), "6.6.6.6");
    assert_eq!(inside(ProxyHeader::Forwarded, one, other), "7.7.7.7");
    assert_eq!(inside(ProxyHeader::Forwarded, one, None), "6.6.6.6");
    assert_eq!(inside(ProxyHeader::XForwardedFor, None, other), "7.7.7.7");
    assert_eq!(inside(ProxyHeader::Auto, one, other), UNREADABLE.to_string());
}

#[test]
fn two_headers_that_disagree_are_nobodys_word() {
    let proxies: TrustedProxies = PROXIES.parse().unwrap();
    let client = |one: &'static str, other: &'static str| {
        let mut headers = HeaderMap::new();
        headers.insert(FORWARDED_FOR, HeaderValue::from_static(one));
        headers.insert(FORWARDED, HeaderValue::from_static(other));
        proxies.client([10, 1, 1, 1].into(), &headers)
    };
    assert_eq!(client("6.6.6.6:1", "for=6.6.6.6"), IpAddr::from([6, 6, 6, 6]));
    assert_eq!(client("6.6.6.6", "for=7.7.7.7"), UNREADABLE);
    assert_eq!(client("6.6.6.6", "for=unknown"), UNREADABLE);
}
