//! The call under way, as far as log and traces show it: which request it belongs to,
//! for which tenant and by whom it is made. A line that is logged within a call need not
//! name any of that; it is added.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use http::{HeaderMap, HeaderValue};
use uuid::Uuid;

use crate::client_address::{UNREADABLE, client_of};
use crate::request_id;
use crate::telemetry::context::Context;
use crate::telemetry::tracer::OpenSpan;

/// Where the parts of this process are, for each other.
pub const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

tokio::task_local! {
    static UNDER_WAY: Arc<Call>;
}

/// A call on its way through this process.
#[derive(Debug)]
pub struct Call {
    request_id: HeaderValue,
    tenant: OnceLock<Uuid>,
    user: OnceLock<Uuid>,
    api_key: OnceLock<Uuid>,
    /// Set if it brings what only somebody has who was let in before.
    holds: OnceLock<()>,
    /// When whoever calls has given up, if that was said.
    ends_at: OnceLock<Instant>,
    came_from: OnceLock<Origin>,
    /// Set if its method changes nothing.
    only_reads: OnceLock<()>,
    /// What is sent on to other services.
    context: Option<Context>,
    /// Its span, if it is traced.
    span: Option<OpenSpan>,
}

/// Where a call comes from.
#[derive(Debug, Clone, Copy)]
struct Origin {
    /// The other end of its connection.
    peer: IpAddr,
    /// The client behind that.
    client: IpAddr,
    /// Whether another part of this process makes it: there is no connection then, and the peer
    /// is this machine.
    is_within: bool,
}

/// Whose a call is, for whoever gives each a share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// A tenant's, a user's or an API key's.
    Known(Uuid),
    /// Of somebody who brings what was given out before, a refresh token or an API key, and is
    /// not looked up yet; where it comes from, as [`client_of`] says it.
    Holder(Option<IpAddr>),
    /// It is not known yet, or nobody's; where it comes from.
    Unknown(Option<IpAddr>),
}

/// A statement that is being run: a span that ends when it is dropped.
#[derive(Debug)]
pub struct TracedStatement {
    name: &'static str,
    span: OpenSpan,
    failed: bool,
}

impl Call {
    /// A call of which nothing is known yet but its request, and the trace that it came
    /// with.
    pub fn new(request_id: HeaderValue, headers: &HeaderMap) -> Arc<Self> {
        let (context, span) = OpenSpan::call(Context::of(headers));
        Arc::new(Self {
            context,
            span,
            request_id,
            tenant: OnceLock::new(),
            user: OnceLock::new(),
            api_key: OnceLock::new(),
            holds: OnceLock::new(),
            ends_at: OnceLock::new(),
            came_from: OnceLock::new(),
            only_reads: OnceLock::new(),
        })
    }

    /// The one under way, for work of it that goes on beside it.
    pub fn under_way() -> Option<Arc<Self>> {
        // No call: the work is the process's own.
        UNDER_WAY.try_with(Arc::clone).ok()
    }

    /// Notes until when whoever calls waits.
    pub fn ends_at(&self, at: Instant) {
        self.ends_at.get_or_init(|| at);
    }

    /// Notes the other end of its connection, and which client is behind that.
    pub fn came_from(&self, peer: IpAddr, client: IpAddr) {
        self.came_from.get_or_init(|| Origin { peer, client, is_within: false });
    }

    /// Notes that another part of this process makes it, and for which client.
    pub fn came_from_within(&self, client: IpAddr) {
        self.came_from.get_or_init(|| Origin { peer: HERE, client, is_within: true });
    }

    /// Notes that its method changes nothing.
    pub fn only_reads(&self) {
        self.only_reads.get_or_init(|| ());
    }

    /// The id of its request.
    pub fn request_id(&self) -> &HeaderValue {
        &self.request_id
    }

    /// Whether it has a span.
    pub fn is_traced(&self) -> bool {
        self.span.is_some()
    }

    /// Ends its span: under which name, with which attributes, and whether it failed.
    pub fn traced(&self, name: &str, attributes: &[(&str, &str)], failed: bool) {
        if let Some(span) = &self.span {
            let id = ("request_id", request_id::text(&self.request_id));
            let attributes: Vec<(&str, &str)> = attributes.iter().copied().chain([id]).collect();
            span.end(name, true, &attributes, failed);
        }
    }

    /// Runs what is part of the call.
    pub async fn run<F: Future>(self: &Arc<Self>, part: F) -> F::Output {
        UNDER_WAY.scope(Arc::clone(self), part).await
    }

    /// Runs a part that waits for nothing.
    pub fn run_now<T>(self: &Arc<Self>, part: impl FnOnce() -> T) -> T {
        UNDER_WAY.sync_scope(Arc::clone(self), part)
    }

    /// What is known of it, as fields of the log.
    pub(crate) fn fields(&self, mut add: impl FnMut(&'static str, &dyn std::fmt::Display)) {
        add("request_id", &request_id::text(&self.request_id));
        for (name, id) in
            [("tenant_id", &self.tenant), ("user_id", &self.user), ("api_key_id", &self.api_key)]
        {
            if let Some(id) = id.get() {
                add(name, id);
            }
        }
        if let Some(span) = &self.span {
            add("trace_id", &format_args!("{:032x}", span.context().trace));
        }
    }
}

/// Does something with the call under way, if there is one.
pub(crate) fn with_current(then: impl FnOnce(&Call)) {
    // No call, or a thread that ends: there is nothing to add.
    UNDER_WAY.try_with(|call| then(call)).unwrap_or_default();
}

/// The header by which another service knows that what it is asked for belongs to the
/// trace of the call under way.
pub fn traceparent() -> Option<HeaderValue> {
    let mut header = None;
    with_current(|call| header = call.context.and_then(Context::header));
    header
}

/// Begins the span of a statement with this name; it ends when it is dropped.
pub fn trace_statement(name: &'static str) -> Option<TracedStatement> {
    let mut span = None;
    with_current(|call| span = call.span.as_ref().map(OpenSpan::part));
    span.map(|span| TracedStatement { name, span, failed: false })
}

impl TracedStatement {
    /// Ends its span as that of a statement that has failed.
    pub fn fail(mut self) {
        self.failed = true;
    }
}

impl Drop for TracedStatement {
    fn drop(&mut self) {
        self.span.end(self.name, false, &[("db.system.name", "postgresql")], self.failed);
    }
}

/// What is left of the time that the call under way was given; `None` if it was given
/// none, or if there is no call.
pub fn time_left() -> Option<Duration> {
    let mut left = None;
    with_current(|call| {
        left = call.ends_at.get().map(|at| at.saturating_duration_since(Instant::now()));
    });
    left
}

/// Whose the call under way is. `None` if there is no call, and what is done is the
/// process's own.
pub fn whose_call() -> Option<Whose> {
    let mut whose = None;
    with_current(|call| {
        let known = [&call.tenant, &call.user, &call.api_key].into_iter().find_map(|id| id.get().copied());
        whose = Some(known.map_or_else(
            || {
                let client = call.came_from.get().map(|from| client_of(from.client));
                let holds = call.holds.get().is_some();
                if holds { Whose::Holder(client) } else { Whose::Unknown(client) }
            },
            Whose::Known,
        ));
    });
    whose
}

/// The other end of the connection over which the call under way has come.
pub fn peer() -> Option<IpAddr> {
    let mut peer = None;
    with_current(|call| peer = call.came_from.get().map(|from| from.peer));
    peer
}

/// Whether the call under way is made by another part of this process, which is no hop on its
/// way.
pub fn is_within() -> bool {
    let mut within = false;
    with_current(|call| within = call.came_from.get().is_some_and(|from| from.is_within));
    within
}

/// Notes that the method of the call under way changes nothing, once that is known.
pub fn note_only_reads() {
    with_current(Call::only_reads);
}

/// A refusal of the call under way that has stored nothing: what happened, and what to do
/// next, which begins in lower case; it may be empty. Whoever only reads is not told that
/// nothing was stored.
pub fn nothing_stored(what: &str, then: &str) -> String {
    match (reads(), then) {
        (true, "") => what.to_owned(),
        (true, then) => format!("{what} {}.", capital(then)),
        (false, "") => format!("{what} Nothing was stored."),
        (false, then) => format!("{what} Nothing was stored; {then}."),
    }
}

/// A refusal of the call under way whose end is not known: what happened, and what to do
/// next. Whoever only reads may as well ask again.
pub fn maybe_stored(what: &str) -> String {
    if reads() {
        format!("{what} Try again.")
    } else {
        format!("{what} A change may still have been stored: read before trying again.")
    }
}

fn reads() -> bool {
    let mut reads = false;
    with_current(|call| reads = call.only_reads.get().is_some());
    reads
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect()
}

/// The client behind the call under way, as far as those are believed who passed it on;
/// [`UNREADABLE`] if one of them names it in a way that cannot be read.
pub fn named_client() -> Option<IpAddr> {
    let mut client = None;
    with_current(|call| client = call.came_from.get().map(|from| from.client));
    client
}

/// The same, if it could be read.
pub fn client() -> Option<IpAddr> {
    named_client().filter(|client| *client != UNREADABLE)
}

/// Notes for which tenant the call under way is, once that is known.
pub fn note_tenant(tenant: Uuid) {
    with_current(|call| {
        call.tenant.get_or_init(|| tenant);
    });
}

/// Notes that the call under way brings what only somebody has who was let in before: the form
/// of it was looked at, and nothing else yet.
pub fn note_holder() {
    with_current(|call| {
        call.holds.get_or_init(|| ());
    });
}

/// Notes who makes the call under way, once that is known.
pub fn note_caller(user: Option<Uuid>, api_key: Option<Uuid>) {
    with_current(|call| {
        for (place, id) in [(&call.user, user), (&call.api_key, api_key)] {
            if let Some(id) = id {
                place.get_or_init(|| id);
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(call: &Call) -> Vec<String> {
        let mut told = Vec::new();
        call.fields(|name, value| told.push(format!("{name}={value}")));
        told
    }

    fn call(id: &'static str) -> Arc<Call> {
        Call::new(HeaderValue::from_static(id), &HeaderMap::new())
    }

    #[test]
    fn whoever_only_reads_is_not_told_what_was_stored() {
        let told = || [nothing_stored("No.", ""), nothing_stored("No.", "try again"), maybe_stored("No.")];
        let of_a_change = [
            "No. Nothing was stored.",
            "No. Nothing was stored; try again.",
            "No. A change may still have been stored: read before trying again.",
        ];
        assert_eq!(told(), of_a_change, "nothing is known without a call");
        assert_eq!(call("changes").run_now(told), of_a_change);
        let of_a_read = || {
            note_only_reads();
            told()
        };
        assert_eq!(call("reads").run_now(of_a_read), ["No.", "No. Try again.", "No. Try again."]);
    }

    #[tokio::test]
    async fn what_is_noted_is_of_the_call_under_way() {
        let (one, other) = (call("one"), call("other"));
        note_tenant(Uuid::nil());
        let within = one.run(async {
            note_tenant(Uuid::nil());
            tokio::spawn(async { note_caller(Some(Uuid::nil()), None) }).await.unwrap();
        });
        tokio::join!(within, other.run(async { note_caller(None, Some(Uuid::max())) }));
        assert_eq!(told(&one), ["request_id=one", "tenant_id=00000000-0000-0000-0000-000000000000"]);
        assert_eq!(told(&other), ["request_id=other", "api_key_id=ffffffff-ffff-ffff-ffff-ffffffffffff"]);
    }
}
