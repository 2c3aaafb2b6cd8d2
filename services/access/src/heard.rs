//! What identity has told of revocations, as this process has heard it: when last, and
//! which marks lately. A mark does not say no: it says that what was known of a caller is
//! void, and whoever needs to know asks again. So no clock is compared with another one,
//! and a mark too many does no harm.
//!
//! An answer that is on its way while its mark comes would be kept after it. So whoever
//! asks notes how much was heard before ([`Heard::count`]), and looks afterwards whether
//! the answer was void when it came ([`Heard::voids`]).

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use boot::Scrape;
use tokio::sync::watch;

/// Most marks that are remembered for answers on their way; an answer that was asked for
/// before those counts as void.
const MOST_MARKS: usize = 4_096;

/// A mark of something that an answer depends on; opaque.
pub type Mark = [u8; 16];

/// What a service has heard by the time at which it asks something: see [`Heard::holds`].
#[derive(Debug, Clone, Copy)]
pub struct AskedAt {
    pub(crate) count: u64,
    pub(crate) at: Instant,
}

/// What identity says is void, nothing at times.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Revoked {
    /// Whether everything that was known before is void.
    pub anew: bool,
    /// Of what else that is void it was a part.
    pub marks: Vec<Mark>,
    /// Signing keys that are trusted no more.
    pub revoked_keys: Vec<String>,
}

#[derive(Debug)]
pub(crate) struct Heard {
    state: Mutex<State>,
    news: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct State {
    /// When anything was heard last.
    at: Option<Instant>,
    /// How often something was void.
    noted: u64,
    /// Up to which of these times whoever kept answers has dropped them.
    count: u64,
    /// The marks of the last times.
    lately: VecDeque<(u64, Mark)>,
    /// Answers of before this count are void, whatever their marks.
    void_before: u64,
}

impl Heard {
    /// When identity was heard last.
    pub(crate) fn at(&self) -> Option<Instant> {
        self.state().at
    }

    /// How much was heard and dropped by those who keep answers; see [`Self::voids`].
    pub(crate) fn count(&self) -> u64 {
        self.state().count
    }

    /// Whether an answer with these marks is void that was asked for at this count.
    pub(crate) fn voids(&self, since: u64, marks: &[Mark]) -> bool {
        self.state().voids(since, marks)
    }

    /// What is heard by now, for an answer that is asked for from now on.
    pub(crate) fn asked(&self) -> AskedAt {
        AskedAt { count: self.count(), at: Instant::now() }
    }

    /// Whether an answer holds that was asked for then: nothing that it depends on was marked
    /// since, and nothing was as of so long ago at most. Gives how much was heard by now.
    pub(crate) fn holds(&self, since: u64, marks: &[Mark], within: Duration) -> Option<u64> {
        let state = self.state();
        let is_heard = state.at.is_some_and(|at| at.elapsed() < within);
        (is_heard && !state.voids(since, marks)).then_some(state.count)
    }

    /// Notes what is told as of a time, lets `drop_kept` drop the answers that are void by it,
    /// if any may be, and then wakes those who wait. In another order somebody who was woken
    /// might find the answer that is void. What this process has marked itself says nothing of
    /// what others have marked by then, so it has no time.
    pub(crate) fn hear(&self, told: &Revoked, as_of: Option<Instant>, drop_kept: impl FnOnce()) {
        let Some(count) = self.note(told, as_of) else { return };
        drop_kept();
        let mut state = self.state();
        state.count = state.count.max(count);
        drop(state);
        self.news.send_replace(count);
    }

    fn note(&self, told: &Revoked, as_of: Option<Instant>) -> Option<u64> {
        let mut state = self.state();
        state.at = state.at.max(as_of);
        if *told == Revoked::default() {
            return None;
        }
        state.noted += 1;
        let count = state.noted;
        // No mark says whose tokens a key has signed, so everybody is looked at again.
        if !told.revoked_keys.is_empty() {
            state.void_before = count;
        }
        if told.anew {
            state.void_before = count;
            state.lately.clear();
        }
        state.lately.extend(told.marks.iter().map(|mark| (count, *mark)));
        while state.lately.len() > MOST_MARKS {
            if let Some((forgotten, _)) = state.lately.pop_front() {
                state.void_before = state.void_before.max(forgotten);
            }
        }
        Some(count)
    }

    /// Returns when something was told that voids an answer with these marks, which was
    /// asked for at this count.
    pub(crate) async fn void(&self, since: u64, marks: &[Mark]) {
        let mut news = self.news.subscribe();
        while !self.voids(since, marks) {
            if news.changed().await.is_err() {
                return std::future::pending().await;
            }
        }
    }

    pub(crate) fn figures(&self, scrape: &mut Scrape) {
        let (at, count) = {
            let state = self.state();
            (state.at, state.count)
        };
        let help = "Times that something was revoked, as identity has told.";
        scrape.count("frontdesk_revocations_heard_total", help, &[], count);
        let silent = at.map_or(Duration::MAX, |at| at.elapsed());
        if silent < Duration::MAX {
            let help = "How long ago identity was heard about revocations: without it callers are asked about every 5 s.";
            scrape.now("frontdesk_revocations_heard_age_seconds", help, &[], silent.as_secs_f64());
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn voids(&self, since: u64, marks: &[Mark]) -> bool {
        let newer = self.lately.iter().rev().take_while(|(count, _)| *count > since);
        since < self.void_before || newer.into_iter().any(|(_, mark)| marks.contains(mark))
    }
}

impl Default for Heard {
    fn default() -> Self {
        Self { state: Mutex::default(), news: watch::Sender::new(0) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn mark(of: u8) -> Mark {
        [of; 16]
    }

    fn marks(of: &[u8]) -> Revoked {
        Revoked { marks: of.iter().map(|of| mark(*of)).collect(), ..Revoked::default() }
    }

    #[test]
    fn an_answer_is_void_when_its_mark_came_after_the_question() {
        let heard = Heard::default();
        heard.hear(&marks(&[1]), Some(Instant::now()), || {});
        let since = heard.count();
        assert!(!heard.voids(since, &[mark(1)]), "the question came after the mark");
        heard.hear(&marks(&[2, 3]), Some(Instant::now()), || {});
        heard.hear(&Revoked::default(), Some(Instant::now()), || {});
        assert!(heard.voids(since, &[mark(1), mark(3)]) && !heard.voids(since, &[mark(1)]));
        heard.hear(&Revoked { anew: true, ..Revoked::default() }, Some(Instant::now()), || {});
        assert!(heard.voids(since, &[]) && !heard.voids(heard.count(), &[mark(2)]));
    }

    /// Before, a stream went on for seconds, and a message that was on its way was taken.
    #[test]
    fn a_revoked_key_makes_whoever_was_let_in_before_be_looked_at_again() {
        let heard = Heard::default();
        let since = heard.count();
        heard.hear(
            &Revoked { revoked_keys: vec!["k".to_owned()], ..Revoked::default() },
            Some(Instant::now()),
            || {},
        );
        assert!(heard.voids(since, &[mark(1)]) && !heard.voids(heard.count(), &[mark(1)]));
    }

    #[test]
    fn what_is_forgotten_counts_as_void() {
        let heard = Heard::default();
        let since = heard.count();
        for _ in 0..=MOST_MARKS {
            heard.hear(&marks(&[1]), Some(Instant::now()), || {});
        }
        assert!(heard.voids(since, &[mark(2)]));
        assert!(!heard.voids(since + 1, &[mark(2)]));
    }

    #[tokio::test]
    async fn whoever_waits_is_told_of_its_own_marks_only() {
        let heard = Heard::default();
        let since = heard.count();
        let mine = [mark(1)];
        let mut waits = std::pin::pin!(heard.void(since, &mine));
        assert!(futures::poll!(waits.as_mut()).is_pending());
        heard.hear(&marks(&[2]), Some(Instant::now()), || {});
        assert!(futures::poll!(waits.as_mut()).is_pending());
        heard.hear(&marks(&[1]), Some(Instant::now()), || {});
        assert!(futures::poll!(waits.as_mut()).is_ready());
    }

    #[test]
    fn who_counts_what_was_heard_counts_it_when_the_void_answers_are_dropped() {
        let heard = Heard::default();
        let since = heard.count();
        heard.hear(&marks(&[1]), Some(Instant::now()), || {
            assert_eq!(heard.count(), since, "somebody would ask and find the void answer");
            assert!(heard.voids(since, &[mark(1)]), "an answer on its way would be kept");
        });
        assert!(heard.count() > since && heard.voids(since, &[mark(1)]));
    }
}
