//! Callers whose calls a service refuses for want of room: of their next ones, only so many
//! are passed on as the service takes, and as many again, so that the gateway notices when
//! it takes more. The rest is refused here, where it costs least: many times as many calls as
//! a service can answer would leave it no time but for refusals.
//!
//! A caller is who sends the same credentials from the same address; what they say is not
//! looked at. Reads and changes are apart, since a service counts them so.
//!
//! While nobody is refused, nobody is told apart: who makes a call has to be found out
//! before it is passed on, and every call would pay for that. So the first refusal after a
//! quiet time says only that there is something to look at, and counts for nobody, nor do
//! those of calls that were under way by then, as many as [`limits`](super::limits) let one
//! have. Whoever is refused now and then is never throttled by that, and need not be;
//! whoever floods is known by the next call, one of [`ANYWAY`] later.
//!
//! What counts is a service's word alone. What this gateway answers itself, whoever leaves
//! before the answer, and an answer whose body there is no room for here were neither taken
//! nor refused: the call is taken back, or pages and misspelt paths would buy room for others.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use boot::{Count, Scrape};
use frontdesk_proto::{ErrorReason, Refusal};
use http::header::AUTHORIZATION;
use http::{HeaderName, Request};
use tonic::body::Body;

use super::deadline::Deadline;
use super::headers::Client;

/// How many calls are passed on for one that is taken.
const FOR_ONE: f64 = 2.0;
/// Calls that are passed on whatever became of others, within [`MEMORY`].
const ANYWAY: f64 = 16.0;
/// After this time a call counts for less than half, and so on.
const MEMORY: Duration = Duration::from_secs(2);
/// Most callers that are remembered; others are passed on to whoever refuses them.
const MOST: usize = 10_000;
/// How long a caller is remembered whom nobody refused any more.
const AFTERWARDS: Duration = Duration::from_secs(10);
/// How often they are looked through.
const SWEPT: Duration = Duration::from_secs(1);

/// What a caller says of itself.
const SAID: [HeaderName; 3] =
    [AUTHORIZATION, HeaderName::from_static("x-tenant-id"), HeaderName::from_static("x-tenant-api-key")];

/// Those of whom a service refused calls lately.
#[derive(Debug, Default)]
pub struct Throttle {
    hasher: RandomState,
    callers: Mutex<Callers>,
    /// Whether callers are told apart: mostly nobody was refused, and nobody is looked for.
    watches: AtomicBool,
    refused: Count,
}

/// The callers, by their hashes.
#[derive(Debug, Default)]
struct Callers {
    calls: HashMap<u64, Calls>,
    /// When those were let go whom nobody refuses any more.
    swept: Option<Instant>,
}

/// Of one caller, those that count.
#[derive(Debug, Clone, Copy)]
struct Calls {
    passed_on: f64,
    taken: f64,
    at: Instant,
    refused: Instant,
}

/// What became of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Its service has answered it, whatever it said.
    Taken,
    /// Its service has refused it for want of room.
    Refused,
    /// This gateway has answered it.
    Neither,
}

/// A call of somebody who is told apart, on its way. Dropped without a service's answer, it
/// does not count.
#[derive(Debug)]
pub struct PassedOn {
    throttle: Arc<Throttle>,
    caller: u64,
    at: Instant,
    is_answered: bool,
    /// Until when its caller waits, if it says so.
    pub until: Option<Instant>,
}

impl Throttle {
    /// Whether a call is passed on, with what counts it if callers are told apart; or its
    /// refusal, with until when its caller waits if that says so. Of gRPC, whose calls are all
    /// POSTs, methods are apart.
    pub fn pass_on(
        self: &Arc<Self>,
        request: &Request<Body>,
        is_grpc: bool,
        client: &Client,
    ) -> Result<Option<PassedOn>, (Refusal, Option<Instant>)> {
        if !self.watches.load(Ordering::Relaxed) {
            return Ok(None);
        }
        let said = SAID.map(|name| request.headers().get(name));
        let path = is_grpc.then(|| request.uri().path());
        let caller = self.hasher.hash_one((said, client.address(), request.method(), path));
        let (at, until) = (Instant::now(), Deadline::of_caller(request.headers(), is_grpc));
        if self.may_pass(caller, at) {
            return Ok(Some(PassedOn { throttle: Arc::clone(self), caller, at, is_answered: false, until }));
        }
        self.refused.add_one();
        let sentence = "The service has more calls of this caller than it can take at the moment. This one was not begun; try again.";
        let refusal = Refusal::new(ErrorReason::Overloaded, sentence).with("waits_for", "the service");
        Err((refusal.retry_after(Duration::from_secs(1)), until))
    }

    /// A call was answered.
    pub fn answered(&self, call: Option<PassedOn>, end: End) {
        match (call, end) {
            (call, End::Neither) => drop(call),
            (Some(mut call), End::Taken | End::Refused) => {
                call.is_answered = true;
                self.note(call.caller, end == End::Refused, Instant::now());
            }
            // The first one is not known. Where it comes from there are more.
            (None, End::Refused) => self.watch(Instant::now()),
            (None, End::Taken) => {}
        }
    }

    pub fn figures(&self, scrape: &mut Scrape) {
        scrape.shed("throttle", self.refused.get());
    }

    /// Tells callers apart from now on, until nobody is refused any more.
    fn watch(&self, now: Instant) {
        self.callers().swept = Some(now);
        self.watches.store(true, Ordering::Relaxed);
    }

    fn may_pass(&self, caller: u64, now: Instant) -> bool {
        let mut callers = self.callers();
        let Some(calls) = callers.calls.get_mut(&caller) else { return true };
        calls.age(now);
        let may = calls.passed_on < calls.taken * FOR_ONE + ANYWAY;
        calls.passed_on += f64::from(u8::from(may));
        may
    }

    fn note(&self, caller: u64, refused: bool, now: Instant) {
        let mut callers = self.callers();
        let many = callers.calls.len() >= MOST;
        match callers.calls.get_mut(&caller) {
            Some(calls) => {
                calls.age(now);
                if refused {
                    calls.refused = now;
                } else {
                    calls.taken += 1.0;
                }
            }
            None if refused && !many => {
                let calls = Calls { passed_on: 1.0, taken: 0.0, at: now, refused: now };
                callers.calls.insert(caller, calls);
            }
            None => {}
        }
        if callers.swept.is_none_or(|swept| now.saturating_duration_since(swept) >= SWEPT) {
            callers.swept = Some(now);
            callers.calls.retain(|_, calls| now.saturating_duration_since(calls.refused) < AFTERWARDS);
            self.watches.store(!callers.calls.is_empty(), Ordering::Relaxed);
        }
    }

    /// Takes back that a call was passed on at a time: what it still counts for, and nothing
    /// of others.
    fn take_back(&self, caller: u64, at: Instant, now: Instant) {
        if let Some(calls) = self.callers().calls.get_mut(&caller) {
            calls.age(now);
            calls.passed_on = (calls.passed_on - left(at, now)).max(0.0);
        }
    }

    fn callers(&self) -> MutexGuard<'_, Callers> {
        self.callers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for PassedOn {
    fn drop(&mut self) {
        if !self.is_answered {
            self.throttle.take_back(self.caller, self.at, Instant::now());
        }
    }
}

impl Calls {
    /// What was before counts for less.
    fn age(&mut self, now: Instant) {
        let left = left(self.at, now);
        self.passed_on *= left;
        self.taken *= left;
        self.at = now;
    }
}

/// What a call of a time still counts for.
fn left(at: Instant, now: Instant) -> f64 {
    (-now.saturating_duration_since(at).as_secs_f64() / MEMORY.as_secs_f64()).exp()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What comes of so many calls a second for ten seconds, of which a service takes so many.
    fn passed_on_and_taken(offered: u32, capacity: u32) -> (u32, u32) {
        let (throttle, began) = (Throttle::default(), Instant::now());
        let (mut passed_on, mut taken) = (0, 0);
        for call in 0..offered * 10 {
            let now = began + Duration::from_secs(1) * call / offered;
            if !throttle.may_pass(1, now) {
                continue;
            }
            passed_on += 1;
            let has_room = f64::from(taken) < f64::from(capacity) * (now - began).as_secs_f64() + 1.0;
            taken += u32::from(has_room);
            throttle.note(1, !has_room, now);
        }
        (passed_on / 10, taken / 10)
    }

    #[test]
    fn a_service_gets_twice_what_it_takes_and_loses_none_of_it() {
        let (passed_on, taken) = passed_on_and_taken(10_000, 1_000);
        assert!((1_800..2_300).contains(&passed_on), "{passed_on} were passed on of 10,000");
        assert!(taken >= 980, "{taken} of 1,000 were taken");
        // What it can take is passed on.
        assert_eq!(passed_on_and_taken(900, 1_000), (900, 900));
        // Of what takes nothing, somebody asks now and then.
        let (passed_on, taken) = passed_on_and_taken(1_000, 0);
        assert!((5..20).contains(&passed_on) && taken == 0, "{passed_on}");
    }

    /// Of calls with a token.
    fn of(throttle: &Arc<Throttle>, token: &'static str, is_grpc: bool) -> Result<Option<PassedOn>, Refusal> {
        let request = Request::builder().uri("/v1/x").header(AUTHORIZATION, token);
        let client = Client::at([192, 0, 2, 1].into());
        throttle
            .pass_on(&request.body(Body::empty()).unwrap(), is_grpc, &client)
            .map_err(|(refusal, _)| refusal)
    }

    #[test]
    fn callers_are_told_apart_from_the_first_refusal_on() {
        let throttle = Arc::new(Throttle::default());
        assert!(of(&throttle, "a", false).unwrap().is_none(), "nobody is refused");
        throttle.answered(None, End::Refused);
        let caller = |token, is_grpc| of(&throttle, token, is_grpc).unwrap().unwrap().caller;
        let (a, b) = (caller("a", false), caller("b", false));
        assert!(a != b && a == caller("a", false) && a != caller("a", true));
        let refused = (0..100).find_map(|_| match of(&throttle, "a", false) {
            Ok(call) => {
                throttle.answered(call, End::Refused);
                None
            }
            Err(refusal) => Some(refusal),
        });
        assert_eq!(refused.unwrap().reason(), ErrorReason::Overloaded);
        assert!(of(&throttle, "b", false).is_ok());
    }

    #[test]
    fn whoever_leaves_before_the_answer_is_not_throttled_for_it() {
        let throttle = Arc::new(Throttle::default());
        throttle.answered(None, End::Refused);
        throttle.answered(of(&throttle, "a", false).unwrap(), End::Refused);
        // A page that looks while somebody types cancels all but the last.
        for call in 0..200 {
            assert!(of(&throttle, "a", false).is_ok(), "{call}");
        }
        let held: Vec<_> = (0..100).map_while(|_| of(&throttle, "a", false).ok()).collect();
        assert!((14..=17).contains(&held.len()), "{} at once without an answer", held.len());
    }

    #[test]
    fn what_is_answered_here_buys_no_room() {
        let throttle = Arc::new(Throttle::default());
        throttle.answered(None, End::Refused);
        let mut refused = 0;
        for _ in 0..200 {
            if let Ok(call) = of(&throttle, "a", false) {
                throttle.answered(call, End::Neither);
            }
            if let Ok(call) = of(&throttle, "a", false) {
                throttle.answered(call, End::Refused);
                refused += 1;
            }
        }
        assert!((14..=17).contains(&refused), "{refused} were passed on");
        // Nor does it say that anybody is to be told apart.
        let quiet = Arc::new(Throttle::default());
        quiet.answered(None, End::Neither);
        assert!(of(&quiet, "a", false).unwrap().is_none());
    }

    #[test]
    fn a_call_that_hung_and_left_takes_nothing_of_others_along() {
        let (throttle, began) = (Throttle::default(), Instant::now());
        throttle.note(1, true, began);
        assert!(throttle.may_pass(1, began));
        let later = began + 3 * MEMORY;
        while throttle.may_pass(1, later) {
            throttle.note(1, true, later);
        }
        throttle.take_back(1, began, later);
        assert!(!throttle.may_pass(1, later), "another, refused call was forgotten");
        // One that leaves at once is taken back whole.
        throttle.take_back(1, later, later);
        assert!(throttle.may_pass(1, later));
    }

    #[test]
    fn callers_are_looked_through_now_and_then_and_so_many_at_most() {
        let (throttle, began) = (Throttle::default(), Instant::now());
        let known = || throttle.callers().calls.len();
        for caller in 0..MOST as u64 + 5 {
            throttle.note(caller, true, began);
        }
        assert_eq!(known(), MOST);
        let almost = began + AFTERWARDS.saturating_sub(SWEPT / 2);
        throttle.note(0, false, almost);
        // All are old by now; to find that out for each call would cost each more than its own.
        throttle.note(0, false, almost + SWEPT * 3 / 4);
        assert_eq!(known(), MOST);
        throttle.note(0, false, almost + SWEPT);
        assert_eq!(known(), 0);
    }

    #[test]
    fn others_are_not_throttled_and_who_is_comes_back() {
        let (throttle, now) = (Throttle::default(), Instant::now());
        for _ in 0..1_000 {
            if throttle.may_pass(1, now) {
                throttle.note(1, true, now);
            }
        }
        assert!(!throttle.may_pass(1, now));
        assert!((0..1_000).all(|_| throttle.may_pass(2, now)));
        assert_eq!(throttle.callers().calls.len(), 1);
        let later = now + AFTERWARDS;
        throttle.note(2, false, later);
        assert_eq!(throttle.callers().calls.len(), 0);
        assert!((0..1_000).all(|_| throttle.may_pass(1, later)));
    }
}
