//! Connections to the services beside this one.

use std::time::Duration;

use tonic::transport::{Channel, Endpoint};

/// A channel to `host:port` that connects with the first call and again after
/// every loss. A dead peer is noticed within 30 s also while nothing is sent.
pub fn channel(addr: &str) -> Result<Channel, String> {
    let wrong = |cause: String| format!("`{addr}` is not host:port ({cause})");
    if addr.contains(',') {
        return Err(format!("`{addr}` lists several addresses; this version connects to one"));
    }
    let endpoint =
        Endpoint::from_shared(format!("http://{addr}")).map_err(|error| wrong(error.to_string()))?;
    if endpoint.uri().port().is_none() || endpoint.uri().path() != "/" {
        return Err(wrong("the port is missing or something follows it".to_owned()));
    }
    Ok(endpoint
        .connect_timeout(Duration::from_secs(2))
        .http2_keep_alive_interval(Duration::from_secs(20))
        .keep_alive_timeout(Duration::from_secs(10))
        .keep_alive_while_idle(true)
        .tcp_nodelay(true)
        .connect_lazy())
}
