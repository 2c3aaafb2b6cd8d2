//! Connection strings, and connections outside the pool. TLS is not known here yet.

use std::time::Duration;

use tokio_postgres::{Config, NoTls};

use crate::{Fault, Kind};

/// Reads a connection string; the error is a sentence without the password.
pub fn parse_url(url: &str) -> Result<Config, String> {
    let mut config: Config =
        url.parse().map_err(|error| format!("DATABASE_URL is not a Postgres connection string ({error})"))?;
    if config.get_ssl_mode() == tokio_postgres::config::SslMode::Require {
        return Err("DATABASE_URL asks for sslmode=require, which this build cannot do: connect over a socket, loopback or a tunnel".to_owned());
    }
    config.connect_timeout(Duration::from_secs(2));
    // A server that is cut off without a word: idle connections to it are found out by
    // probes, and those with something under way by what is not acknowledged.
    config.keepalives_idle(Duration::from_secs(15));
    config.keepalives_interval(Duration::from_secs(5));
    config.keepalives_retries(3);
    config.tcp_user_timeout(Duration::from_secs(10));
    Ok(config)
}

/// One connection outside any pool, as whoever the URL names: for migrations
/// and the development server.
pub async fn connect(url: &str) -> Result<tokio_postgres::Client, Fault> {
    let config = parse_url(url).map_err(|sentence| Fault::new(Kind::Other, sentence))?;
    let (client, connection) = config.connect(NoTls).await?;
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "database connection ended");
        }
    });
    Ok(client)
}
