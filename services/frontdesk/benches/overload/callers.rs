//! Those who call: a process of its own, so that neither its memory nor its runtime is that
//! of the services.

use std::fmt::{Display, Formatter};
use std::process::{Command, Stdio};
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use frontdesk::demo;
use frontdesk_proto::booking::v1::booking_request_service_client::BookingRequestServiceClient;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};
use tonic::{Code, Status};
use upstream::Upstream;

use super::{ask, is_shed, retry_delay};

/// How long each load lasts. Answers count that come within it.
pub const LASTS: Duration = Duration::from_secs(4);
/// The time of a call.
const GIVEN: Duration = Duration::from_secs(2);
const ADDRESSES: usize = 10;
/// The word by which the program knows that it is to call.
const WORD: &str = "callers";

/// Who calls how.
#[derive(Debug, Clone, Copy)]
pub enum Load {
    /// So many callers, each again when it has its answer.
    Again { callers: usize, waits: bool },
    /// So many calls a second, whatever becomes of them.
    ByClock(usize),
}

impl Display for Load {
    fn fmt(&self, text: &mut Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Again { callers, waits: true } => write!(text, "{callers} callers who wait as told"),
            Self::Again { callers, waits: false } => write!(text, "{callers} callers who do not wait"),
            Self::ByClock(rate) => write!(text, "{rate} calls a second"),
        }
    }
}

impl Load {
    /// The two words of an argument list.
    fn words(self) -> [String; 2] {
        match self {
            Self::Again { callers, waits: true } => ["waiting".to_owned(), callers.to_string()],
            Self::Again { callers, waits: false } => ["hasty".to_owned(), callers.to_string()],
            Self::ByClock(rate) => ["clock".to_owned(), rate.to_string()],
        }
    }

    fn of(kind: &str, many: usize) -> Self {
        match kind {
            "waiting" => Self::Again { callers: many, waits: true },
            "hasty" => Self::Again { callers: many, waits: false },
            "clock" => Self::ByClock(many),
            _ => panic!("no load is called {kind}"),
        }
    }
}

/// What came of the calls of a load within its time.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Outcome {
    pub answered: u64,
    pub shed: u64,
    pub late: u64,
    pub other: u64,
}

impl FromStr for Outcome {
    type Err = std::num::ParseIntError;

    fn from_str(line: &str) -> Result<Self, Self::Err> {
        let numbers: Vec<u64> = line.split_whitespace().map(str::parse).collect::<Result<_, _>>()?;
        let [answered, shed, late, other] = numbers[..] else { panic!("no outcome: {line}") };
        Ok(Self { answered, shed, late, other })
    }
}

/// Runs a load in a process of its own.
pub fn run(load: Load, gateway: &str, token: &str) -> Outcome {
    let mut command = Command::new(std::env::current_exe().unwrap());
    // The token is of a server that ends with this program.
    command.arg(WORD).args(load.words()).args([gateway, token]);
    let output = command.stdin(Stdio::null()).stderr(Stdio::inherit()).output().unwrap();
    assert!(output.status.success(), "the callers ended with {}", output.status);
    String::from_utf8(output.stdout).unwrap().trim().parse().unwrap()
}

/// What this process is to do if it is that of callers.
pub async fn called() -> bool {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [word, kind, many, gateway, token] = &arguments[..] else { return false };
    if word != WORD {
        return false;
    }
    let callers = Callers::new(gateway, token);
    let load = Load::of(kind, many.parse().unwrap());
    let Outcome { answered, shed, late, other } = callers.load(load).await;
    println!("{answered} {shed} {late} {other}");
    true
}

#[derive(Debug, Default)]
struct Counts {
    answered: AtomicU64,
    shed: AtomicU64,
    late: AtomicU64,
    other: AtomicU64,
}

struct Callers {
    /// A client for each address, with connections of its own.
    clients: Vec<BookingRequestServiceClient<Upstream>>,
    token: String,
    counts: Counts,
}

impl Callers {
    fn new(gateway: &str, token: &str) -> Arc<Self> {
        let client = |_| BookingRequestServiceClient::new(gateway.parse::<Upstream>().unwrap());
        let clients = (0..ADDRESSES).map(client).collect();
        Arc::new(Self { clients, token: token.to_owned(), counts: Counts::default() })
    }

    async fn load(self: &Arc<Self>, load: Load) -> Outcome {
        let until = Instant::now() + LASTS;
        let calls = match load {
            Load::Again { callers, waits } => self.again(callers, waits, until),
            Load::ByClock(rate) => self.at_rate(rate, until).await,
        };
        sleep_until(until).await;
        let outcome = self.counts.now();
        drop(calls);
        outcome
    }

    /// Makes a call of one of the addresses; the refusal says how long to wait.
    async fn call(&self, from: usize) -> Option<Duration> {
        let from = from % ADDRESSES;
        let mut request = ask(demo::TENANT, demo::CASES[0].1, &self.token);
        request.metadata_mut().insert("x-forwarded-for", format!("192.0.2.{from}").parse().unwrap());
        request.set_timeout(GIVEN);
        let answered = self.clients[from].clone().get_booking_request(request).await;
        let wait = answered.as_ref().err().filter(|status| is_shed(status)).and_then(retry_delay);
        self.counts.of(answered.err().as_ref()).fetch_add(1, Ordering::Relaxed);
        wait
    }

    /// Calls again and again with so many callers.
    fn again(self: &Arc<Self>, callers: usize, waits: bool, until: Instant) -> JoinSet<()> {
        let mut calling = JoinSet::new();
        for from in 0..callers {
            let this = Arc::clone(self);
            calling.spawn(async move {
                while Instant::now() < until {
                    if let Some(wait) = this.call(from).await.filter(|_| waits) {
                        // Not all at the same moment.
                        let apart = Duration::from_millis(4) * u32::try_from(from % 64).unwrap();
                        tokio::time::sleep(wait + apart).await;
                    }
                }
            });
        }
        calling
    }

    /// Begins calls at a rate.
    async fn at_rate(self: &Arc<Self>, per_second: usize, until: Instant) -> JoinSet<()> {
        let (start, mut begun, mut calls) = (Instant::now(), 0, JoinSet::new());
        while Instant::now() < until {
            let due = per_second * usize::try_from(start.elapsed().as_millis()).unwrap() / 1_000;
            for from in begun..due {
                let this = Arc::clone(self);
                calls.spawn(async move {
                    let _wait = this.call(from).await;
                });
            }
            begun = due;
            while calls.try_join_next().is_some() {}
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        calls
    }
}

impl Counts {
    fn of(&self, status: Option<&Status>) -> &AtomicU64 {
        match status {
            None => &self.answered,
            Some(status) if status.code() == Code::DeadlineExceeded => &self.late,
            Some(status) if is_shed(status) => &self.shed,
            Some(status) => {
                if self.other.load(Ordering::Relaxed) == 0 {
                    eprintln!("    the first of other ends: {status:?}");
                }
                &self.other
            }
        }
    }

    fn now(&self) -> Outcome {
        let [answered, shed, late, other] =
            [&self.answered, &self.shed, &self.late, &self.other].map(|count| count.load(Ordering::Relaxed));
        Outcome { answered, shed, late, other }
    }
}
