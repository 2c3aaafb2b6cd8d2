//! `frontdesk healthcheck`: asks the operator port of a role on this machine how it is,
//! for containers, in which there is no other program that could ask.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use boot::AdminPort;
use clap::Args;

use crate::settings::Source;
use crate::{Failure, stdout};

/// How long the answer may take; each check that it asks takes a second at most.
const PATIENCE: Duration = Duration::from_secs(3);

#[derive(Debug, Args)]
pub struct HealthcheckArgs {
    /// Asks only whether the process runs, not whether it can do its work.
    #[arg(long)]
    live: bool,
}

pub async fn run(source: &Source, args: HealthcheckArgs) -> Result<(), Failure> {
    let addr = reachable(source.read(AdminPort::read_needed)?);
    let url = format!("http://{addr}/{}", if args.live { "livez" } else { "readyz" });
    let client = reqwest::Client::builder().no_proxy().timeout(PATIENCE).build().map_err(Failure::new)?;
    let failed = |error: reqwest::Error| Failure::new(format!("{url}: no answer: {error}"));
    let answer = client.get(&url).send().await.map_err(failed)?;
    let status = answer.status();
    let text = answer.text().await.map_err(failed)?;
    if status.is_success() {
        return stdout::text_as_it_is(text);
    }
    Err(Failure::new(format!("{url} answers {status}: {}", text.trim_end())))
}

/// Where a role that listens on every address is reached from this machine.
fn reachable(listens: SocketAddr) -> SocketAddr {
    let ip = match listens.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, listens.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_listens_everywhere_is_found_on_loopback() {
        for (listens, asked) in
            [("0.0.0.0:9090", "127.0.0.1:9090"), ("[::]:9090", "[::1]:9090"), ("10.0.0.7:1", "10.0.0.7:1")]
        {
            assert_eq!(reachable(listens.parse().unwrap()), asked.parse().unwrap());
        }
    }
}
