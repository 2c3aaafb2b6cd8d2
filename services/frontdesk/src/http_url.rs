//! Where an HTTP server is that a command calls. Whether it answers is found when
//! it is called.

use std::str::FromStr;

use reqwest::Url;

/// An address of a server, to which paths are added.
#[derive(Debug)]
pub struct HttpUrl(pub String);

/// Text that is not such an address.
#[derive(Debug, thiserror::Error)]
#[error("it is not http://host or https://host, with a port or a path if need be")]
pub struct NotHttpUrl;

impl FromStr for HttpUrl {
    type Err = NotHttpUrl;

    fn from_str(text: &str) -> Result<Self, NotHttpUrl> {
        let url = Url::parse(text).map_err(|_| NotHttpUrl)?;
        let is_one = matches!(url.scheme(), "http" | "https")
            && url.has_host()
            && url.query().is_none()
            && url.fragment().is_none();
        if is_one { Ok(Self(text.trim_end_matches('/').to_owned())) } else { Err(NotHttpUrl) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_of_http_servers_are_taken() {
        for (text, url) in [
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
            ("https://api.example.com/", "https://api.example.com"),
            ("https://example.com/api/", "https://example.com/api"),
        ] {
            assert_eq!(text.parse::<HttpUrl>().unwrap().0, url);
        }
        for bad in
            ["", "api.example.com", "localhost:8080", "ftp://x", "http://", "http://x?y=1", "http://x#y"]
        {
            assert!(bad.parse::<HttpUrl>().is_err(), "{bad}");
        }
    }
}
