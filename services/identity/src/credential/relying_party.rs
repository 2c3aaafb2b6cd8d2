//! The site that passkeys are made for, and the pages that may use them (Web
//! Authentication, sections 4 and 13.4.9).

use std::collections::BTreeSet;
use std::str::FromStr;

use aws_lc_rs::digest::{SHA256, digest};

/// Pages, by their origins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageOrigins(BTreeSet<String>);

/// A domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Domain(String);

/// The site with its pages.
#[derive(Debug, Clone)]
pub struct RelyingParty {
    id: String,
    origins: BTreeSet<String>,
}

/// What is wrong with them.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoRelyingParty {
    #[error(
        "`{0}` is not an origin of a page that can have passkeys; write https://host, https://host:port or http://localhost:port as browsers do, without a path and without the scheme's own port, several with commas; a host of other letters than those of ASCII is in punycode (xn--…), and but for localhost it has a dot"
    )]
    Origin(String),
    #[error(
        "`{0}` is not a domain for passkeys; write it without scheme and port; but for localhost, it has a dot"
    )]
    Domain(String),
    #[error(
        "`{origin}` of PASSKEY_ORIGINS is neither at {id} nor below it; PASSKEY_RP_ID says the domain of all of them"
    )]
    Elsewhere { origin: String, id: String },
}

impl FromStr for PageOrigins {
    type Err = NoRelyingParty;

    fn from_str(list: &str) -> Result<Self, NoRelyingParty> {
        let entries = list.split(',').map(str::trim).filter(|entry| !entry.is_empty());
        let origins = entries.map(|entry| {
            let normal = entry.to_ascii_lowercase();
            host_of(&normal).map(|_| normal.clone()).ok_or_else(|| NoRelyingParty::Origin(entry.to_owned()))
        });
        let origins: BTreeSet<String> = origins.collect::<Result<_, _>>()?;
        if origins.is_empty() { Err(NoRelyingParty::Origin(list.to_owned())) } else { Ok(Self(origins)) }
    }
}

impl FromStr for Domain {
    type Err = NoRelyingParty;

    fn from_str(text: &str) -> Result<Self, NoRelyingParty> {
        let domain = text.trim().to_ascii_lowercase();
        if is_domain(&domain) { Ok(Self(domain)) } else { Err(NoRelyingParty::Domain(text.to_owned())) }
    }
}

impl RelyingParty {
    /// That of pages; its domain is theirs, unless another one is said.
    pub fn of(origins: PageOrigins, id: Option<Domain>) -> Result<Self, NoRelyingParty> {
        let PageOrigins(origins) = origins;
        let first = origins.first().and_then(|origin| host_of(origin)).unwrap_or_default();
        let id = id.map_or_else(|| first.to_owned(), |Domain(id)| id);
        let is_at = |host: &str| {
            host.strip_suffix(&id).is_some_and(|before| before.is_empty() || before.ends_with('.'))
        };
        match origins.iter().find(|origin| !host_of(origin).is_some_and(is_at)) {
            Some(origin) => Err(NoRelyingParty::Elsewhere { origin: origin.clone(), id }),
            None => Ok(Self { id, origins }),
        }
    }

    /// Its domain.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Whether a page is one of its own.
    pub fn has_page(&self, origin: &str) -> bool {
        self.origins.contains(origin)
    }

    /// Whether authenticator data is for it.
    pub fn has_hash(&self, hash: &[u8]) -> bool {
        digest(&SHA256, self.id.as_bytes()).as_ref() == hash
    }
}

/// The host of an origin whose pages can have passkeys: a secure context, at a domain.
fn host_of(origin: &str) -> Option<&str> {
    let (secure, rest) = match origin.split_once("://")? {
        ("https", rest) => (true, rest),
        ("http", rest) => (false, rest),
        _ => return None,
    };
    let (host, port) = rest.split_once(':').map_or((rest, None), |(host, port)| (host, Some(port)));
    // Browsers leave the usual one out: an origin with it would be that of no page.
    let usual = if secure { 443 } else { 80 };
    let port_is_good = port.is_none_or(|port| {
        port.parse::<u16>().is_ok_and(|number| number != usual && number.to_string() == port)
    });
    let is_local = host == "localhost" || host.ends_with(".localhost");
    (is_domain(host) && port_is_good && (secure || is_local)).then_some(host)
}

/// Whether a name is a domain that browsers make passkeys for: neither an address, nor a name of
/// one label, as those of whole registries are.
fn is_domain(name: &str) -> bool {
    let label = |label: &str| {
        let is_inner = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        !label.is_empty() && label.bytes().all(is_inner) && !label.starts_with('-') && !label.ends_with('-')
    };
    let last = name.rsplit('.').next().unwrap_or_default();
    name.split('.').all(label) && last.parse::<u32>().is_err() && (name == "localhost" || last != name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn party(origins: &str, id: Option<&str>) -> Result<RelyingParty, NoRelyingParty> {
        RelyingParty::of(origins.parse()?, id.map(str::parse).transpose()?)
    }

    #[test]
    fn a_site_is_a_domain_with_the_pages_at_it_and_below_it() {
        let one = party("https://Desk.example, https://desk.example:8443", None).unwrap();
        assert_eq!(one.id(), "desk.example");
        assert!(one.has_page("https://desk.example") && one.has_page("https://desk.example:8443"));
        assert!(!one.has_page("http://desk.example") && !one.has_page("https://x.desk.example"));
        let more = party("https://app.x.example,https://admin.x.example", Some("x.example")).unwrap();
        assert_eq!(more.id(), "x.example");
        assert!(more.has_hash(digest(&SHA256, b"x.example").as_ref()) && !more.has_hash(b"x"));
        assert_eq!(party("http://localhost:5173,http://localhost:3000", None).unwrap().id(), "localhost");
        // The usual port of the other scheme is not left out.
        let ports = party("https://localhost:80,http://localhost:443,https://x--y.localhost", None);
        assert!(ports.unwrap().has_page("https://localhost:80"));
    }

    #[test]
    fn pages_that_browsers_give_no_passkeys_or_of_another_site_are_refused() {
        for bad in [
            "",
            "desk.example",
            "http://desk.example",
            "https://desk.example/",
            "https://10.0.0.1",
            "https://[::1]",
            "https://desk.example:",
            "https://desk.example:0443",
            "https://desk.example:99999",
            "https://desk.example:443",
            "http://localhost:80",
            "https://desk",
            "https://-desk.example",
            "https://desk-.example",
            "https://bücher.example",
            "https://desk.example-",
            "https://a..b",
            "https://u@desk.example",
            "ftp://localhost",
        ] {
            assert!(matches!(party(bad, None), Err(NoRelyingParty::Origin(_))), "{bad}");
        }
        for (origins, id) in [
            ("https://a.example,https://b.example", None),
            ("https://app.x.example,https://x.example", None),
            ("https://badx.example", Some("x.example")),
            ("https://x.example", Some("app.x.example")),
        ] {
            assert!(matches!(party(origins, id), Err(NoRelyingParty::Elsewhere { .. })), "{origins} {id:?}");
        }
        for bad in ["https://x.example", "example", "-x.example", "x-.example", ""] {
            let refused = party("https://x.example", Some(bad));
            assert!(matches!(refused, Err(NoRelyingParty::Domain(_))), "{bad}");
        }
    }
}
