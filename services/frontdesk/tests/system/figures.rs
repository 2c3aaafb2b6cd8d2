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
        let metrics = self.metrics().await;
        told(&metrics, name).unwrap_or_else(|| panic!("{name}: {metrics}")).parse().unwrap()
    }

    /// The same of one that is no whole number, or is not told yet.
    pub async fn now(&self, name: &str) -> Option<f64> {
        told(&self.metrics().await, name).map(|value| value.parse().unwrap())
    }

    async fn metrics(&self) -> String {
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let asked = http.get(format!("http://{}/metrics", self.0)).send().await.unwrap();
        asked.text().await.unwrap()
    }
}

fn told<'m>(metrics: &'m str, name: &str) -> Option<&'m str> {
    metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))
}
