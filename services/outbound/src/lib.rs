//! HTTP to addresses that others name: the key list of another issuer, a
//! receiver of events, a calendar. What is fetched, and how often, is not known
//! here.
//!
//! The rule, kept in this one place:
//! - Every address is `https`, so that nobody on the way can change an answer.
//! - Redirects are not followed: what was checked is what is called.
//! - An answer has a time and a size.
//! - An address that somebody outside the deployment named
//!   ([`Target::named_by_others`]) leads to the public internet only. Loopback,
//!   private and link-local networks are refused, by the addresses that a name
//!   resolves to when it is called: a name may point elsewhere than when it was
//!   stored.
//! - An address in the deployment's own settings
//!   ([`Target::named_by_deployment`]) may lead into its own networks, and to
//!   loopback without TLS: whoever writes the settings could reach these anyway.

mod network;

use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::redirect::Policy;
use reqwest::{Client, ClientBuilder, Response, Url};

/// An address that may be called.
#[derive(Debug, Clone)]
pub struct Target {
    url: Url,
    by: NamedBy,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum NamedBy {
    Deployment,
    Others,
}

/// Why an address may not be called.
#[derive(Debug, thiserror::Error)]
pub enum TargetError {
    /// It cannot be read.
    #[error("is not an address: {0}")]
    Malformed(String),
    /// It is not `https`.
    #[error("must be https, so that nobody can change the answer on its way")]
    Plaintext,
    /// It is an address of a private network.
    #[error("must not be an address of this machine or of a private network")]
    Private,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The call failed, or was answered with an error.
    #[error("{0}")]
    Failed(String),
    /// The answer is longer than the caller takes.
    #[error("the answer is larger than {limit} bytes")]
    TooLarge {
        /// Most bytes.
        limit: usize,
    },
}

/// A client of addresses that others name.
#[derive(Debug, Clone)]
pub struct Outbound {
    deployment: Client,
    others: Client,
}

/// Resolves names to public addresses only.
#[derive(Debug)]
struct PublicOnly;

impl Target {
    /// An address in the deployment's own settings.
    pub fn named_by_deployment(text: &str) -> Result<Self, TargetError> {
        let url = parsed(text)?;
        let loopback = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
        if url.scheme() != "https" && !(url.scheme() == "http" && loopback) {
            return Err(TargetError::Plaintext);
        }
        Ok(Self { url, by: NamedBy::Deployment })
    }

    /// An address that somebody else named: a tenant, a user, a token.
    pub fn named_by_others(text: &str) -> Result<Self, TargetError> {
        let url = parsed(text)?;
        if url.scheme() != "https" {
            return Err(TargetError::Plaintext);
        }
        // Addresses do not pass through the resolver, names do.
        let host = url.host_str().unwrap_or_default();
        let address = host.trim_start_matches('[').trim_end_matches(']').parse();
        if address.is_ok_and(|address| !network::is_public(address)) {
            return Err(TargetError::Private);
        }
        Ok(Self { url, by: NamedBy::Others })
    }

    /// The address, as it was written.
    pub fn as_str(&self) -> &str {
        self.url.as_str()
    }
}

impl Outbound {
    /// A client whose calls take at most this long.
    pub fn new(patience: Duration) -> Result<Self, FetchError> {
        let builder = || Client::builder().timeout(patience).redirect(Policy::none());
        let build = |builder: ClientBuilder| builder.build().map_err(failed);
        // A proxy would resolve the name itself.
        let others = builder().no_proxy().dns_resolver(PublicOnly);
        Ok(Self { deployment: build(builder())?, others: build(others)? })
    }

    /// The body of a successful answer of at most `limit` bytes.
    pub async fn get(&self, target: &Target, limit: usize) -> Result<Vec<u8>, FetchError> {
        let sent = self.client(target).get(target.url.clone()).send().await;
        let mut answer = sent.and_then(Response::error_for_status).map_err(failed)?;
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(failed)? {
            if body.len() + chunk.len() > limit {
                return Err(FetchError::TooLarge { limit });
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }

    /// Sends JSON, and says with which status that was answered, whatever it is.
    pub async fn post_json(&self, target: &Target, body: Vec<u8>) -> Result<u16, FetchError> {
        let request = self.client(target).post(target.url.clone());
        let request = request.header("content-type", "application/json").body(body);
        Ok(request.send().await.map_err(failed)?.status().as_u16())
    }

    fn client(&self, target: &Target) -> &Client {
        match target.by {
            NamedBy::Deployment => &self.deployment,
            NamedBy::Others => &self.others,
        }
    }
}

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let public: Vec<_> = found.filter(|address| network::is_public(address.ip())).collect();
            if public.is_empty() {
                return Err("the name leads to no public address".into());
            }
            Ok(Box::new(public.into_iter()) as Addrs)
        })
    }
}

fn parsed(text: &str) -> Result<Url, TargetError> {
    text.parse().map_err(|error| TargetError::Malformed(format!("{error}")))
}

/// The failure without the address, which may hold a secret.
fn failed(error: reqwest::Error) -> FetchError {
    FetchError::Failed(error.without_url().to_string())
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    const PATIENCE: Duration = Duration::from_millis(300);

    #[test]
    fn only_the_deployment_may_name_its_own_networks() {
        for (url, deployment, others) in [
            ("https://keys.example/jwks", true, true),
            ("https://1.1.1.1/jwks", true, true),
            ("http://keys.example/jwks", false, false),
            ("http://127.0.0.1:8080/jwks", true, false),
            ("http://localhost:8080/jwks", true, false),
            ("http://[::1]:8080/jwks", true, false),
            ("http://127.0.0.1.example/jwks", false, false),
            ("https://127.0.0.1/jwks", true, false),
            ("https://2130706433/jwks", true, false),
            ("https://10.1.2.3/jwks", true, false),
            ("https://169.254.169.254/latest", true, false),
            ("https://[fd00::1]/jwks", true, false),
            ("https://[::ffff:10.0.0.1]/jwks", true, false),
            ("file:///etc/passwd", false, false),
            ("nonsense", false, false),
        ] {
            assert_eq!(Target::named_by_deployment(url).is_ok(), deployment, "{url}");
            assert_eq!(Target::named_by_others(url).is_ok(), others, "{url}");
        }
    }

    #[tokio::test]
    async fn a_name_that_leads_to_this_machine_is_not_called_for_others() {
        let outbound = Outbound::new(PATIENCE).unwrap();
        let target = Target::named_by_others("https://localhost:1/").unwrap();
        assert!(outbound.get(&target, 10).await.is_err());
        assert!(PublicOnly.resolve("localhost".parse().unwrap()).await.is_err());
    }

    /// Answers each connection with this text.
    async fn server(answer: &'static str) -> Target {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let target = format!("http://{}/", listener.local_addr().unwrap());
        tokio::spawn(async move {
            loop {
                let (mut client, _) = listener.accept().await.unwrap();
                let mut asked = [0; 1024];
                let _length = client.read(&mut asked).await.unwrap();
                client.write_all(answer.as_bytes()).await.unwrap();
                if answer.is_empty() {
                    std::future::pending::<()>().await;
                }
            }
        });
        Target::named_by_deployment(&target).unwrap()
    }

    #[tokio::test]
    async fn answers_are_bounded_in_size_and_time_and_not_looked_for_elsewhere() {
        let outbound = Outbound::new(PATIENCE).unwrap();
        let good = server("HTTP/1.1 200 OK\r\ncontent-length: 4\r\nconnection: close\r\n\r\nkeys").await;
        assert_eq!(outbound.get(&good, 4).await.unwrap(), b"keys");
        assert!(matches!(outbound.get(&good, 3).await, Err(FetchError::TooLarge { limit: 3 })));
        let moved = server(
            "HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
        );
        assert_eq!(outbound.get(&moved.await, 4).await.unwrap(), b"", "the answer itself, nothing else");
        let failing = server("HTTP/1.1 500 No\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").await;
        assert!(outbound.get(&failing, 4).await.is_err());
        let silent = server("").await;
        assert!(outbound.get(&silent, 4).await.is_err());
    }
}
