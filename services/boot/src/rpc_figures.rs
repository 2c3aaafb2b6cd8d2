//! How often each method of a server was called, how that ended and how long it took. The
//! methods are those of the descriptor, so that their number is known; all others are
//! counted as one.

use std::collections::HashMap;
use std::time::Duration;

use frontdesk_proto::{ErrorReason, MethodContract, Refusal, code_name, descriptors};
use tonic::Code;

use crate::telemetry::figures::{Count, Seconds};
use crate::telemetry::metrics::Scrape;

/// Every code of gRPC, in the order of its number.
const CODES: usize = 17;
/// For methods that no service of ours has.
const OTHER: &str = "other";

/// The figures of a server's methods.
#[derive(Debug)]
pub struct RpcFigures {
    by_path: HashMap<String, usize>,
    methods: Vec<Method>,
}

#[derive(Debug)]
struct Method {
    name: String,
    /// Whether its answer may go on for as long as it likes.
    streams: bool,
    only_reads: bool,
    under_way: Count,
    /// Ends without a reason, by their code; after them those with one, by its number.
    ends: Box<[Count]>,
    took: Seconds,
}

/// What is in progress at a server.
#[derive(Debug)]
pub struct InProgress {
    pub calls: u64,
    pub streams: u64,
    /// Both, as `method: number` with commas between them.
    pub by_method: String,
}

impl Method {
    /// Nobody has called it yet.
    fn new(name: String, streams: bool, only_reads: bool) -> Self {
        let reasons = ErrorReason::all().map(|reason| reason as usize + 1).max().unwrap_or_default();
        Self {
            name,
            streams,
            only_reads,
            under_way: Count::default(),
            ends: (0..CODES + reasons).map(|_| Count::default()).collect(),
            took: Seconds::default(),
        }
    }
}

impl RpcFigures {
    /// None yet.
    pub fn of(services: &[&str]) -> Self {
        let ours = descriptors().services().filter(|service| services.contains(&service.full_name()));
        let mut methods: Vec<Method> = ours
            .flat_map(|service| {
                let methods = service.methods().map(|method| {
                    let name = format!("{}/{}", service.full_name(), method.name());
                    let only_reads = !MethodContract::of(&method).changes;
                    Method::new(name, method.is_server_streaming(), only_reads)
                });
                methods.collect::<Vec<_>>()
            })
            .collect();
        let by_path = methods.iter().enumerate().map(|(at, one)| (format!("/{}", one.name), at)).collect();
        methods.push(Method::new(OTHER.to_owned(), false, false));
        Self { by_path, methods }
    }

    /// Where the method with a path is counted. A call of it is under way from now on.
    pub fn begin(&self, path: &str) -> usize {
        let at = self.by_path.get(path).copied().unwrap_or(self.methods.len() - 1);
        self.methods[at].under_way.add_one();
        at
    }

    /// Whether the method that is counted there changes nothing.
    pub fn only_reads(&self, at: usize) -> bool {
        self.methods[at].only_reads
    }

    /// A call of the method has ended.
    pub fn end(&self, at: usize, code: Code, refusal: Option<&Refusal>, took: Duration) {
        let method = &self.methods[at];
        let reason = refusal.map_or(ErrorReason::Unspecified, Refusal::reason) as usize;
        let end = if reason == 0 { code as usize } else { CODES + reason };
        method.under_way.take_one();
        method.took.add(took);
        if let Some(count) = method.ends.get(end) {
            count.add_one();
        }
    }

    /// What is under way.
    pub fn under_way(&self) -> InProgress {
        let busy = || self.methods.iter().filter(|method| method.under_way.get() > 0);
        let sum = |streams| busy().filter(|one| one.streams == streams).map(|one| one.under_way.get()).sum();
        let by_method = busy().map(|method| format!("{}: {}", method.name, method.under_way.get()));
        let by_method = by_method.collect::<Vec<_>>().join(", ");
        InProgress { calls: sum(false), streams: sum(true), by_method }
    }

    /// All of them; a method that nobody has called is left out.
    pub fn read(&self, scrape: &mut Scrape) {
        let reasons: HashMap<usize, ErrorReason> =
            ErrorReason::all().map(|reason| (reason as usize, reason)).collect();
        for method in &self.methods {
            let name = ("method", method.name.as_str());
            let mut called = method.under_way.get() > 0;
            for (end, count) in method.ends.iter().enumerate().filter(|(_, count)| count.get() > 0) {
                called = true;
                let reason = end.checked_sub(CODES).and_then(|number| reasons.get(&number));
                let code = i32::try_from(end).map_or(Code::Unknown, Code::from);
                let code = reason.map_or(code, |reason| reason.wire().code);
                let labels =
                    [name, ("code", code_name(code)), ("reason", reason.map_or("", |reason| reason.name()))];
                let help = "Calls that have ended, by their code and reason.";
                scrape.count("frontdesk_rpc_calls_total", help, &labels, count.get());
            }
            if !called {
                continue;
            }
            let help = "How long calls took, streams until their end.";
            scrape.seconds("frontdesk_rpc_duration_seconds", help, &[name], &method.took);
            let help = "Calls that have not ended.";
            scrape.how_many("frontdesk_rpc_under_way", help, &[name], method.under_way.get());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Metrics, Version};

    #[test]
    fn calls_are_counted_by_method_code_and_reason() {
        let figures = RpcFigures::of(&["frontdesk.identity.v1.AuthService"]);
        let call = |path: &str, code, refusal: Option<Refusal>| {
            figures.end(figures.begin(path), code, refusal.as_ref(), Duration::from_millis(2));
        };
        let login = "/frontdesk.identity.v1.AuthService/Login";
        call(login, Code::Ok, None);
        call(login, Code::Ok, None);
        call(login, Code::Unauthenticated, Some(Refusal::new(ErrorReason::TokenInvalid, "No.")));
        call("/whatever.Somebody/Asks", Code::Unimplemented, None);
        figures.begin(login);
        let InProgress { calls, streams, by_method } = figures.under_way();
        assert_eq!((calls, streams), (1, 0));
        assert_eq!(by_method, "frontdesk.identity.v1.AuthService/Login: 1");
        let version = Version { number: "1", commit: "abc" };
        let metrics = Metrics::default().with("identity", move |scrape| figures.read(scrape));
        let text = metrics.text(version, &[], &[]);
        let method = "part=\"identity\",method=\"frontdesk.identity.v1.AuthService/Login\"";
        for line in [
            format!("frontdesk_rpc_calls_total{{{method},code=\"OK\",reason=\"\"}} 2"),
            format!("frontdesk_rpc_calls_total{{{method},code=\"UNAUTHENTICATED\",reason=\"TOKEN_INVALID\"}} 1"),
            "frontdesk_rpc_calls_total{part=\"identity\",method=\"other\",code=\"UNIMPLEMENTED\",reason=\"\"} 1".to_owned(),
            format!("frontdesk_rpc_duration_seconds_count{{{method}}} 3"),
            format!("frontdesk_rpc_under_way{{{method}}} 1"),
        ] {
            assert!(text.lines().any(|one| one == line), "{line} is not in\n{text}");
        }
        assert!(!text.contains("AuthService/Logout"), "{text}");
    }
}
