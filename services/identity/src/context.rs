//! Where a call comes from, for limits and the audit log.

use std::net::IpAddr;

use boot::TrustedProxies;
use tonic::Request;

/// Longest user agent that is kept, in characters.
const MAX_USER_AGENT: usize = 200;

/// Where a call comes from.
#[derive(Debug, Clone, Default)]
pub struct Context {
    /// The client's address; unknown for operator commands.
    pub address: Option<IpAddr>,
    /// What the client calls itself.
    pub user_agent: String,
    /// Id of the request, as in the log.
    pub request_id: String,
}

impl Context {
    /// The context of a call.
    pub fn of<T>(request: &Request<T>, proxies: &TrustedProxies) -> Self {
        let metadata = request.metadata();
        let text = |name: &str| metadata.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let headers = metadata.clone().into_headers();
        Self {
            address: request.remote_addr().map(|peer| proxies.client(peer.ip(), &headers)),
            user_agent: Some(text("x-user-agent"))
                .filter(|agent| !agent.is_empty())
                .unwrap_or(text("user-agent"))
                .chars()
                .take(MAX_USER_AGENT)
                .collect(),
            request_id: text("x-request-id").to_owned(),
        }
    }
}
