//! Taking an address, and why a server does not serve there.

use std::net::SocketAddr;

use tokio::net::TcpListener;

/// Why a server did not start or did not end well.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The address cannot be listened on.
    #[error("cannot listen on {addr}: {error}{}", hint(.error))]
    Bind {
        /// The address.
        addr: SocketAddr,
        /// What the system said.
        error: std::io::Error,
    },
    /// The files of TLS cannot be used.
    #[error("TLS cannot be spoken: {0}")]
    Tls(String),
    /// The server failed.
    #[error("the server failed: {0}")]
    Serve(#[from] tonic::transport::Error),
}

/// Listens on an address.
pub async fn bind(addr: SocketAddr) -> Result<TcpListener, ServeError> {
    TcpListener::bind(addr).await.map_err(|error| ServeError::Bind { addr, error })
}

fn hint(error: &std::io::Error) -> &'static str {
    match error.kind() {
        std::io::ErrorKind::AddrInUse => " (another program has the port; stop it or choose another address)",
        _ => "",
    }
}
