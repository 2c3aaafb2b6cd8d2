//! How often requests came, by protocol, and how they were answered.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use boot::{Count, Scrape, Seconds};
use frontdesk_proto::ErrorReason;

/// Statuses of HTTP are below this.
const STATUSES: usize = 600;
/// How long requests whose connections are closed may take to notice.
const NOTICED: Duration = Duration::from_millis(500);

/// How a request came in, as figures tell it apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    Rest,
    Grpc,
    GrpcWeb,
    Connect,
}

/// The figures of a gateway.
#[derive(Debug)]
pub struct HttpFigures {
    of_protocols: [OfProtocol; Protocol::ALL.len()],
    /// Failures by their reason; those whose reason this build does not know are left out.
    reasons: HashMap<&'static str, Count>,
    cutting: AtomicBool,
    /// What was cut off, by what was asked for.
    cut: Mutex<BTreeMap<String, usize>>,
}

#[derive(Debug)]
struct OfProtocol {
    under_way: Count,
    by_status: Box<[Count]>,
    took: Seconds,
}

impl Protocol {
    const ALL: [Self; 4] = [Self::Rest, Self::Grpc, Self::GrpcWeb, Self::Connect];

    fn name(self) -> &'static str {
        match self {
            Self::Rest => "rest",
            Self::Grpc => "grpc",
            Self::GrpcWeb => "grpc-web",
            Self::Connect => "connect",
        }
    }
}

impl HttpFigures {
    pub fn new() -> Self {
        let none = |_| OfProtocol {
            under_way: Count::default(),
            by_status: (0..STATUSES).map(|_| Count::default()).collect(),
            took: Seconds::default(),
        };
        let reasons = ErrorReason::all().map(|reason| (reason.name(), Count::default())).collect();
        let (cutting, cut) = (AtomicBool::new(false), Mutex::default());
        Self { of_protocols: std::array::from_fn(none), reasons, cutting, cut }
    }

    /// A request has come.
    pub fn begin(&self, protocol: Protocol) {
        self.of(protocol).under_way.add_one();
    }

    /// Its answer has ended, or its caller has left before.
    pub fn end(&self, protocol: Protocol, status: u16, reason: Option<&str>, took: Duration) {
        let of = self.of(protocol);
        of.under_way.take_one();
        of.took.add(took);
        let (of_status, of_reason) =
            (of.by_status.get(usize::from(status)), reason.and_then(|reason| self.reasons.get(reason)));
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
            while self.of_protocols.iter().any(|of| of.under_way.get() > 0) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(NOTICED, noticed).await.unwrap_or_default();
        let cut = self.cut.lock().unwrap_or_else(PoisonError::into_inner);
        let by_route: Vec<String> = cut.iter().map(|(route, count)| format!("{route}: {count}")).collect();
        (cut.values().sum(), by_route.join(", "))
    }

    fn of(&self, protocol: Protocol) -> &OfProtocol {
        &self.of_protocols[protocol as usize]
    }

    pub fn read(&self, scrape: &mut Scrape) {
        for protocol in Protocol::ALL {
            let (label, of) = (("protocol", protocol.name()), self.of(protocol));
            for (status, count) in of.by_status.iter().enumerate().filter(|(_, count)| count.get() > 0) {
                let help = "Requests that were answered, by status; 499 if they were left before.";
                let status = status.to_string();
                let labels = [label, ("status", status.as_str())];
                scrape.count("frontdesk_http_requests_total", help, &labels, count.get());
            }
            let help = "How long requests took, until the end of their answers.";
            scrape.seconds("frontdesk_http_request_duration_seconds", help, &[label], &of.took);
            let help = "Requests whose answers have not ended.";
            scrape.how_many("frontdesk_http_requests_under_way", help, &[label], of.under_way.get());
        }
        for (reason, count) in self.reasons.iter().filter(|(_, count)| count.get() > 0) {
            let help = "Requests that were refused, by reason.";
            scrape.count("frontdesk_http_refusals_total", help, &[("reason", reason)], count.get());
        }
    }
}
