//! The layer that holds each call against its method's access rule.

mod resolve;

use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use boot::{Background, Metrics, ProxyHeader};
use frontdesk_proto::{ErrorReason, Refusal, Rule};
use futures::future::BoxFuture;
use http::{HeaderMap, Request, Response};
use jiff::Timestamp;
use tonic::Status;
use tonic::body::Body;
use tower::{Layer, Service};

use crate::authority::{Authority, Resolution};
use crate::cache::{Cache, CacheKey};
use crate::caller::{Asks, Caller, Standing};
use crate::credentials::Credentials;
use crate::frame::Coding;
use crate::granted::{check, is_beyond_role};
use crate::heard::{Mark, Revoked};
use crate::keys::{KeyCache, Verified};
use crate::kind::{self, TokenKind};
use crate::message::Message;
use crate::rules::Rules;
use crate::step_up::check_proof;
use crate::token::{Claims, Issuer};
use crate::until_marked::UntilMarked;

/// How long somebody is let in without another look whose message is on its way: no longer
/// than it takes until what is revoked counts everywhere.
const MOMENT: Duration = Duration::from_millis(100);

/// Wraps services so that only callers who satisfy the rule reach a method,
/// with their [`Caller`] in the request's extensions.
#[derive(Debug)]
pub struct AccessLayer<A> {
    gate: Arc<Gate<A>>,
}

/// Where a process says what it has revoked itself. It knows nothing of who is asked about
/// callers, so that whoever is can have it.
#[derive(Debug)]
pub struct OwnRevocations(Arc<Cache>);

/// A service behind the layer.
#[derive(Debug)]
pub struct Guarded<S, A> {
    inner: S,
    gate: Arc<Gate<A>>,
}

/// Whether it is written down that an operator made a call: once for each, also for one whose
/// answer is a stream, which is looked at again and again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Recorded {
    Yes,
    No,
}

#[derive(Debug)]
struct Gate<A> {
    rules: Rules,
    keys: KeyCache,
    cache: Arc<Cache>,
    /// Where the authority is asked each time, but for some methods.
    until_marked: UntilMarked<CacheKey, Arc<Resolution>>,
    authority: A,
    written: ProxyHeader,
}

impl<A: Authority> AccessLayer<A> {
    /// A layer for the services that `rules` were read from, and the header in which proxies
    /// before them say where a call comes from.
    pub fn new(rules: Rules, issuer: Issuer, authority: A, written: ProxyHeader) -> Self {
        let (keys, cache) = (KeyCache::new(issuer), Arc::<Cache>::default());
        let until_marked = UntilMarked::new(cache.heard());
        let gate = Gate { rules, keys, cache, until_marked, authority, written };
        Self { gate: Arc::new(gate) }
    }

    /// Hears what is revoked, until the stop, in a task of this name.
    pub fn follow(&self, background: &Background, task: &'static str) {
        let gate = Arc::clone(&self.gate);
        background.lasting(task, move || {
            let gate = Arc::clone(&gate);
            async move {
                let hear = |told: Revoked, as_of: Instant| {
                    gate.keys.revoke(&told.revoked_keys);
                    gate.cache.hear(&told, Some(as_of));
                };
                gate.authority.follow(hear).await;
            }
        });
    }

    /// What is told of what this process itself has changed.
    pub fn own(&self) -> OwnRevocations {
        OwnRevocations(Arc::clone(&self.gate.cache))
    }

    /// A place for answers that are void when what they depend on is marked.
    pub fn answers<K: Eq + Hash, V: Clone>(&self) -> UntilMarked<K, V> {
        UntilMarked::new(self.gate.cache.heard())
    }

    /// What is counted: tokens and answers about callers.
    pub fn metrics(&self, part: &'static str) -> Metrics {
        let gate = Arc::clone(&self.gate);
        Metrics::default().with(part, move |scrape| {
            gate.keys.figures(scrape);
            gate.cache.figures(scrape);
            gate.authority.figures(scrape);
        })
    }
}

impl OwnRevocations {
    /// Voids what depends on something that this process has changed, at once.
    pub fn hear(&self, own: &Revoked) {
        self.0.hear(own, None);
    }
}

impl<A> Clone for AccessLayer<A> {
    fn clone(&self) -> Self {
        Self { gate: Arc::clone(&self.gate) }
    }
}

impl<S, A> Layer<S> for AccessLayer<A> {
    type Service = Guarded<S, A>;

    fn layer(&self, inner: S) -> Self::Service {
        Guarded { inner, gate: Arc::clone(&self.gate) }
    }
}

impl<S: Clone, A> Clone for Guarded<S, A> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), gate: Arc::clone(&self.gate) }
    }
}

impl<S, A> Service<Request<Body>> for Guarded<S, A>
where
    S: Service<Request<Body>, Response = Response<Body>> + Clone + Send + 'static,
    S::Future: Send + 'static,
    S::Error: Send + 'static,
    A: Authority,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let ready = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, ready);
        let gate = Arc::clone(&self.gate);
        Box::pin(async move {
            let (path, headers) = (request.uri().path(), request.headers());
            let heard = gate.cache.heard().count();
            let admitted = gate.admit(path, headers, Recorded::Yes).await;
            let heeded = |caller| gate.rules.check_conditions(path, headers).map(|()| caller);
            let let_in = match admitted.and_then(heeded) {
                Ok(caller) => gate.with_message(&mut request, (heard, caller)).await,
                Err(refusal) => Err(refusal.into()),
            };
            match let_in {
                Ok((heard, caller)) => {
                    if gate.rules.streams(request.uri().path()) {
                        let standing = Standing::new(gate, &request, (heard, &caller));
                        request.extensions_mut().insert(standing);
                    }
                    request.extensions_mut().insert(caller);
                    inner.call(request).await
                }
                Err(status) => Ok(status.into_http()),
            }
        })
    }
}

impl<A: Authority> Gate<A> {
    /// Reads the message of a call that was let in by its head, and that sends one. Most come
    /// with their heads, and wait for nothing here.
    async fn with_message(
        &self,
        request: &mut Request<Body>,
        let_in: (u64, Caller),
    ) -> Result<(u64, Caller), Status> {
        let coding = Coding::of(request.headers())?;
        if !self.rules.takes_one_message(request.uri().path()) {
            return Ok(let_in);
        }
        let rule = self.rules.of_path(request.uri().path());
        let mut message = Message::of(std::mem::take(request.body_mut()), coding, rule);
        let (path, headers) = (request.uri().path(), request.headers());
        let let_in = match message.at_once().await {
            Some(read) => read.map(|()| let_in)?,
            None => Box::pin(self.with_late_message(&mut message, (path, headers), let_in)).await?,
        };
        *request.body_mut() = message.into_body();
        Ok(let_in)
    }

    /// Of a message that comes later than its head the caller is let in anew: what it was let
    /// in by may be revoked. The method sees what the caller may do then.
    async fn with_late_message(
        &self,
        message: &mut Message,
        (path, headers): (&str, &HeaderMap),
        (heard, caller): (u64, Caller),
    ) -> Result<(u64, Caller), Status> {
        let began = Instant::now();
        message.in_time().await?;
        if began.elapsed() < MOMENT && !self.cache.heard().voids(heard, &caller.marks) {
            return Ok((heard, caller));
        }
        let rule = self.rules.of_path(path);
        let is_recorded = rule.is_some_and(|rule| is_beyond_role(rule, &caller));
        let recorded = if is_recorded { Recorded::No } else { Recorded::Yes };
        let heard = self.cache.heard().count();
        Ok((heard, self.admit(path, headers, recorded).await?))
    }

    async fn admit(&self, path: &str, headers: &HeaderMap, recorded: Recorded) -> Result<Caller, Refusal> {
        let Some((method, rule)) = self.rules.named(path) else {
            return Err(Refusal::new(ErrorReason::RouteNotFound, "This server has no such method."));
        };
        if *rule == Rule::Public {
            return Ok(Caller::nobody(method));
        }
        let credentials = Credentials::read(headers, self.written)?;
        if credentials.api_key.is_some() {
            boot::note_holder();
        }
        let now = Timestamp::now();
        let verified = match &credentials.token {
            Some(token) => Some(self.keys.verify(token, &self.authority, now).await?),
            None => None,
        };
        if let Some(Verified::Ours(claims)) = &verified {
            // Before anything is looked up for the call: what it waits for is in its turn.
            note_caller(claims);
        }
        if credentials.token.is_none() && credentials.api_key.is_none() {
            return Err(Refusal::new(
                ErrorReason::CredentialsMissing,
                "The call says nothing about who makes it: send `Authorization: Bearer <access token>` from POST /v1/auth/login.",
            ));
        }
        let stands_for = verified.as_ref().and_then(Verified::stands_for);
        if let Some(acting) = stands_for.and_then(TokenKind::acting) {
            kind::check_acting(acting, &self.rules, path)?;
        }
        let resolution = self.resolve(path, &credentials, verified.as_ref(), now).await?;
        if let Some(tenant) = resolution.tenant {
            boot::note_tenant(tenant);
        }
        let caller = Caller::of(verified.as_ref(), &resolution, method);
        boot::note_caller(caller.user.map(|user| user.id), caller.api_key_id);
        check(rule, &caller, credentials.token.is_some())?;
        check_proof(rule, self.rules.step_up(path), &caller, now)?;
        if recorded == Recorded::Yes && is_beyond_role(rule, &caller) {
            self.authority.record_operator(&credentials, &caller).await?;
        }
        Ok(caller)
    }
}

/// Notes whose turn it is: that of the client or the operator who acts, else the user's.
fn note_caller(claims: &Claims) {
    match (claims.client_id, claims.act.as_ref()) {
        (Some(client), _) => boot::note_caller(None, Some(client)),
        (None, Some(operator)) => boot::note_caller(Some(operator.sub), None),
        (None, None) => boot::note_caller(Some(claims.sub), None),
    }
}

/// A call that goes on.
struct GoesOn<A> {
    gate: Arc<Gate<A>>,
    path: String,
    headers: HeaderMap,
    /// How much was heard before the caller was let in last, and by what it was.
    let_in: Mutex<(u64, Arc<[Mark]>)>,
}

impl Standing {
    fn new<A: Authority>(
        gate: Arc<Gate<A>>,
        request: &Request<Body>,
        (heard, caller): (u64, &Caller),
    ) -> Self {
        let (path, headers) = (request.uri().path().to_owned(), request.headers().clone());
        let let_in = Mutex::new((heard, Arc::clone(&caller.marks)));
        Self::of(GoesOn { gate, path, headers, let_in })
    }
}

impl<A: Authority> Asks for GoesOn<A> {
    fn check(&self) -> BoxFuture<'_, Result<(), Refusal>> {
        Box::pin(async move {
            let heard = self.gate.cache.heard().count();
            let caller = self.gate.admit(&self.path, &self.headers, Recorded::No).await?;
            *self.let_in.lock().unwrap_or_else(PoisonError::into_inner) = (heard, caller.marks);
            Ok(())
        })
    }

    fn doubted(&self) -> BoxFuture<'_, ()> {
        let (heard, marks) = self.let_in.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Box::pin(async move { self.gate.cache.heard().void(heard, &marks).await })
    }

    fn is_doubted(&self) -> bool {
        let (heard, marks) = self.let_in.lock().unwrap_or_else(PoisonError::into_inner).clone();
        self.gate.cache.heard().voids(heard, &marks)
    }
}

#[cfg(test)]
mod tests;
