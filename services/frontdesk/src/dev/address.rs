//! Where people find the gateway of a run. Browsers take `localhost` and `127.0.0.1` for two
//! sites: a page that a development server shows at the one gets no cookie from the other.
//! Development servers say `localhost`, and so does this.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;

/// How long a look may take.
const PATIENCE: Duration = Duration::from_millis(500);

/// The URL of a gateway that listens at an address: with `localhost` where that leads to it.
pub async fn url(gateway: SocketAddr) -> String {
    match timeout(PATIENCE, is_localhost(gateway)).await {
        Ok(true) => format!("http://localhost:{}", gateway.port()),
        Ok(false) | Err(_) => format!("http://{gateway}"),
    }
}

/// Whether who calls `localhost` gets there, and nobody else before.
async fn is_localhost(gateway: SocketAddr) -> bool {
    let here = gateway.ip();
    if !here.is_loopback() && !here.is_unspecified() {
        return false;
    }
    let Ok(found) = lookup_host(("localhost", gateway.port())).await else { return false };
    for addr in found {
        let is_any = here.is_unspecified() && (here.is_ipv6() || addr.is_ipv4());
        if addr == gateway || is_any {
            return true;
        }
        // Another program has the port there.
        if TcpStream::connect(addr).await.is_ok() {
            return false;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn what_localhost_leads_to_is_named_so_and_nothing_else() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let here = listener.local_addr().unwrap();
        let localhost = format!("http://localhost:{}", here.port());
        assert_eq!(url(here).await, localhost);
        assert_eq!(url(SocketAddr::from(([0, 0, 0, 0], here.port()))).await, localhost);
        let elsewhere = SocketAddr::from(([127, 0, 0, 7], here.port()));
        assert_eq!(url(elsewhere).await, format!("http://{elsewhere}"));
        assert_eq!(url("192.0.2.1:80".parse().unwrap()).await, "http://192.0.2.1:80");
    }
}
