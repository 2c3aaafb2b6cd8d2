//! How often requests came, by protocol, and how they were answered.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use boot::{Count, Scrape, Seconds};
use frontdesk_proto::ErrorReason;

/// Statuses of HTTP are below it.
const STATUSES: usize = 600;
/// How long requests whose connections are closed may take to notice.
const NOTICED: Duration = Duration::from_millis(500);
/// The protocols that are told apart.
pub const PROTOCOLS: [&str; 3] = ["rest", "grpc", "grpc-web"];

/// The figures of a gateway.
#[derive(Debug)]
pub struct HttpFigures {
    protocols: [Protocol; PROTOCOLS.len()],
    /// Failures by their reason; those whose reason this build does not know are left out.
    reasons: HashMap<&'static str, Count>,
    cutting: AtomicBool,
    /// What was cut off, by what was asked for.
    cut: Mutex<BTreeMap<String, usize>>,
}

#[derive(Debug)]
struct Protocol {
    under_way: Count,
    by_status: Box<[Count]>,
    took: Seconds,
}

impl HttpFigures {
    pub fn new() -> Self {
        let protocol = |_| Protocol {
            under_way: Count::default(),
            by_status: (0..STATUSES).map(|_| Count::default()).collect(),
            took: Seconds::default(),
        };
        let reasons = ErrorReason::all().map(|reason| (reason.name(), Count::default())).collect();
        let (cutting, cut) = (AtomicBool::new(false), Mutex::default());
        Self { protocols: std::array::from_fn(protocol), reasons, cutting, cut }
    }

    /// A request has come; in which protocol by its place in [`PROTOCOLS`].
    pub fn begin(&self, protocol: usize) {
        self.protocols[protocol].under_way.add_one();
    }

    /// It was answered, or left.
    pub fn end(&self, protocol: usize, status: u16, reason: Option<&str>, took: Duration) {
        let protocol = &self.protocols[protocol];
        protocol.under_way.take_one();
        protocol.took.add(took);
        let (of_status, of_reason) =
            (protocol.by_status.get(usize::from(status)), reason.and_then(|reason| self.reasons.get(reason)));
        of_status.into_iter().chain(of_reason).for_each(Count::add_one);
    }

    /// Counts apart what ends from now on.
    pub fn count_cut(&self) {
        self.cutting.store(true, Ordering::Relaxed);
    }

    /// Whether a request that ends now is cut off.
    pub fn is_cutting(&self) -> bool {
        self.cutting.load(Ordering::Relaxed)
    }

    /// A request was cut off, which asked for this.
    pub fn cut(&self, route: String) {
        let mut cut = self.cut.lock().unwrap_or_else(PoisonError::into_inner);
        *cut.entry(route).or_default() += 1;
    }

    /// How many requests were cut off, and what they asked for, once all have noticed.
    pub async fn was_cut(&self) -> (usize, String) {
        let noticed = async {
            while self.protocols.iter().any(|protocol| protocol.under_way.get() > 0) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(NOTICED, noticed).await.unwrap_or_default();
        let cut = self.cut.lock().unwrap_or_else(PoisonError::into_inner);
        let by_route: Vec<String> = cut.iter().map(|(route, count)| format!("{route}: {count}")).collect();
        (cut.values().sum(), by_route.join(", "))
    }

    pub fn read(&self, scrape: &mut Scrape) {
        for (name, protocol) in PROTOCOLS.iter().zip(&self.protocols) {
            let label = ("protocol", *name);
            for (status, count) in protocol.by_status.iter().enumerate().filter(|(_, count)| count.get() > 0)
            {
                let help = "Requests that were answered, by status; 499 if they were left before.";
                let status = status.to_string();
                let labels = [label, ("status", status.as_str())];
                scrape.count("frontdesk_http_requests_total", help, &labels, count.get());
            }
            let help = "How long requests took, until the end of their answers.";
            scrape.seconds("frontdesk_http_request_duration_seconds", help, &[label], &protocol.took);
            let help = "Requests whose answers have not ended.";
            scrape.how_many("frontdesk_http_requests_under_way", help, &[label], protocol.under_way.get());
        }
        for (reason, count) in self.reasons.iter().filter(|(_, count)| count.get() > 0) {
            let help = "Requests that were refused, by reason.";
            scrape.count("frontdesk_http_refusals_total", help, &[("reason", reason)], count.get());
        }
    }
}
