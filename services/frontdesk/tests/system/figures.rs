//! What the figures of a running system say, for tests that wait for what only they tell.

use std::net::SocketAddr;

use boot::InForce;
use frontdesk::system::System;
use tokio::net::TcpListener;

/// The operator port of a system.
pub struct Figures(SocketAddr);

impl Figures {
    pub async fn of(system: &System) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        system.answer_operators(listener, InForce::default());
        Self(addr)
    }

    /// A figure, by its name with its labels.
    pub async fn read(&self, name: &str) -> u64 {
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let asked = http.get(format!("http://{}/metrics", self.0)).send().await.unwrap();
        let metrics = asked.text().await.unwrap();
        let value = metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        value.unwrap_or_else(|| panic!("{name}: {metrics}")).parse().unwrap()
    }
}
