//! What was revoked lately, as one reader of this process finds it in the database, for
//! all who watch here: the streams to other services, and identity itself. How a mark comes
//! to be written is the business of the database (`migrations/identity`).
//!
//! A position is given at the commit and in the order of commits, so whoever has read a
//! place has read all before it. A watcher goes on from the place that it has heard last,
//! in any process; where its place is not known any more, or not yet, since the database
//! was restored to an earlier time, everything that it knows is void.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use access::Told;
use pg::Listener;
use tokio::sync::watch;

use crate::credential::revocation_mark::Marker;
use crate::domain::revocation::{Mark, MarkKind, MarksAfter};
use crate::error::Error;
use crate::store::Store;

/// How often the reader looks unasked, where it hears of marks and where it cannot: a
/// pooler that shares sessions lets nobody listen.
const LOOK: Duration = Duration::from_millis(500);
const LOOK_UNHEARD: Duration = Duration::from_millis(30);
/// How long it takes until listening is tried again.
const LISTEN_AGAIN: Duration = Duration::from_secs(5);
/// Time to the next try after a failure.
const AFTER_FAILURE: Duration = Duration::from_millis(200);
/// Most marks that are told one by one; with more everything is void. As many and one are
/// read at once.
const MOST: usize = 10_000;
/// How long after a look a watcher may be told that nothing else was revoked.
const LOOKED: Duration = Duration::from_secs(2);

/// What was revoked lately. Clones are the same.
#[derive(Debug, Clone)]
pub struct Revocations {
    store: Store,
    marker: Marker,
    lately: Arc<Mutex<Lately>>,
    /// Counts what was read.
    news: watch::Sender<u64>,
}

/// What is told after a position.
#[derive(Debug, PartialEq, Eq)]
pub struct TellAfter {
    /// Where to go on.
    pub position: i64,
    /// What is void.
    pub told: Told,
}

#[derive(Debug, Default)]
struct Lately {
    /// When the database was looked at last.
    looked: Option<Instant>,
    /// How far it was read.
    position: i64,
    /// Marks up to this position are not here.
    from: i64,
    marks: VecDeque<Mark>,
    /// The keys that are trusted no more, whenever that was said.
    revoked_keys: Vec<String>,
}

impl Revocations {
    /// Nothing yet.
    pub fn new(store: Store, marker: Marker) -> Self {
        Self { store, marker, lately: Arc::default(), news: watch::Sender::new(0) }
    }

    /// Makes marks.
    pub fn marker(&self) -> &Marker {
        &self.marker
    }

    /// Reads what is new, again and again.
    pub async fn read_on(&self) {
        let mut listener = None;
        let mut listen_at = Instant::now();
        let (mut unasked, mut failing) = (false, false);
        loop {
            if listener.is_none() && listen_at <= Instant::now() {
                listen_at = Instant::now() + LISTEN_AGAIN;
                listener = self.store.hear_revocations().await.ok();
            }
            match self.read().await {
                // Found unasked, so what should have told of it is heard no more.
                Ok(true) if unasked => (listener, listen_at) = (None, Instant::now()),
                Ok(_) => failing = false,
                Err(error) => {
                    if !std::mem::replace(&mut failing, true) {
                        tracing::warn!(%error, "revocations cannot be read; verifiers ask about each caller");
                    }
                    tokio::time::sleep(AFTER_FAILURE).await;
                    continue;
                }
            }
            let look =
                if listener.is_some() || self.news.receiver_count() == 0 { LOOK } else { LOOK_UNHEARD };
            let heard = tokio::time::timeout(look, heard(listener.as_mut())).await;
            unasked = heard.is_err() && listener.is_some();
            if heard == Ok(false) {
                listener = None;
            }
        }
    }

    /// Reads what is new, once; whether anything is.
    async fn read(&self) -> Result<bool, Error> {
        let (after, first) = {
            let lately = self.lately();
            (lately.position, lately.looked.is_none())
        };
        let began = Instant::now();
        let found = self.store.read_revocations(after).await?;
        let keys_changed = found.marks.iter().any(|mark| mark.kind == Some(MarkKind::SigningKey));
        let keys =
            if keys_changed || first { Some(self.store.list_revoked_signing_keys().await?) } else { None };
        let new = self.lately().take(found, keys, began) || first;
        self.news.send_if_modified(|count| {
            *count += u64::from(new);
            new
        });
        Ok(new)
    }

    /// What to tell a watcher who has heard everything up to a position, or nothing;
    /// `None` while the database was not looked at lately.
    pub fn tell(&self, after: Option<i64>) -> Option<TellAfter> {
        let lately = self.lately();
        lately.looked.filter(|at| at.elapsed() < LOOKED)?;
        Some(lately.after(after, &self.marker))
    }

    /// How many keys are trusted no more.
    pub fn revoked_keys(&self) -> usize {
        self.lately().revoked_keys.len()
    }

    /// Who waits for something new.
    pub fn news(&self) -> watch::Receiver<u64> {
        self.news.subscribe()
    }

    fn lately(&self) -> MutexGuard<'_, Lately> {
        self.lately.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether something was notified; `false` when nobody is heard any more.
async fn heard(listener: Option<&mut Listener>) -> bool {
    match listener {
        Some(listener) => listener.next().await.is_some(),
        None => std::future::pending().await,
    }
}

impl Lately {
    /// Takes what was found; whether anything of it is new.
    fn take(&mut self, found: MarksAfter, keys: Option<Vec<String>>, at: Instant) -> bool {
        let MarksAfter { head, forgotten, marks } = found;
        self.looked = Some(at);
        if let Some(keys) = keys {
            self.revoked_keys = keys;
        }
        if head < self.position {
            // An earlier state of the database.
            *self = Self { position: head, from: head, looked: self.looked, ..std::mem::take(self) };
            self.marks.clear();
            return true;
        }
        let new = head > self.position;
        self.marks.extend(marks);
        self.position = head;
        self.from = if self.marks.len() > MOST { head } else { self.from.max(forgotten) };
        while self.marks.front().is_some_and(|mark| mark.position <= self.from) {
            self.marks.pop_front();
        }
        new
    }

    fn after(&self, after: Option<i64>, marker: &Marker) -> TellAfter {
        let position = self.position;
        let Some(after) = after.filter(|after| (self.from..=position).contains(after)) else {
            let told = Told { anew: true, marks: Vec::new(), revoked_keys: self.revoked_keys.clone() };
            return TellAfter { position, told };
        };
        let mut told = Told::default();
        for Mark { position: _, kind, subject } in self.marks.iter().skip_while(|mark| mark.position <= after)
        {
            match kind {
                Some(MarkKind::SigningKey) => told.revoked_keys.push(subject.clone()),
                Some(kind) => told.marks.push(marker.mark(*kind, subject)),
                None => told.anew = true,
            }
        }
        TellAfter { position, told }
    }
}

#[cfg(test)]
mod tests {
    use seal::MasterKey;

    use super::*;

    fn marks(head: i64, forgotten: i64, of: &[(i64, MarkKind, &str)]) -> MarksAfter {
        let mark = |(position, kind, subject): &(i64, MarkKind, &str)| Mark {
            position: *position,
            kind: Some(*kind),
            subject: (*subject).to_owned(),
        };
        MarksAfter { head, forgotten, marks: of.iter().map(mark).collect() }
    }

    #[test]
    fn a_watcher_hears_what_came_after_its_place_or_that_all_is_void() {
        let marker = Marker::of(&MasterKey::from_text(&"ab".repeat(32)).unwrap());
        let (mut lately, now) = (Lately::default(), Instant::now());
        let user = |id| marker.mark(MarkKind::User, id);
        let two = [(6, MarkKind::User, "a"), (7, MarkKind::User, "b"), (7, MarkKind::SigningKey, "k")];
        assert!(lately.take(marks(7, 5, &two), Some(vec!["k".to_owned()]), now));
        assert!(!lately.take(marks(7, 5, &[]), None, now));
        let told = |lately: &Lately, after| {
            let TellAfter { position, told } = lately.after(after, &marker);
            (position, told.anew, told.marks, told.revoked_keys)
        };
        assert_eq!(told(&lately, Some(7)), (7, false, vec![], vec![]));
        assert_eq!(told(&lately, Some(6)), (7, false, vec![user("b")], vec!["k".to_owned()]));
        assert_eq!(told(&lately, Some(5)), (7, false, vec![user("a"), user("b")], vec!["k".to_owned()]));
        for unknown in [None, Some(4), Some(8), Some(-1)] {
            assert_eq!(told(&lately, unknown), (7, true, vec![], vec!["k".to_owned()]), "{unknown:?}");
        }
        // Marks are forgotten, and the database goes back to an earlier state.
        assert!(!lately.take(marks(7, 6, &[]), None, now));
        assert!(told(&lately, Some(5)).1 && !told(&lately, Some(6)).1);
        assert!(lately.take(marks(3, 0, &[]), None, now));
        assert_eq!(told(&lately, Some(7)), (3, true, vec![], vec!["k".to_owned()]));
        assert_eq!(told(&lately, Some(3)), (3, false, vec![], vec![]));
    }

    #[test]
    fn very_many_marks_void_everything() {
        let marker = Marker::of(&MasterKey::from_text(&"ab".repeat(32)).unwrap());
        let mut lately = Lately::default();
        let many = vec![(1, MarkKind::User, "u"); MOST + 1];
        lately.take(marks(1, 0, &many), None, Instant::now());
        assert!(lately.after(Some(0), &marker).told.anew && lately.marks.is_empty());
        assert!(!lately.after(Some(1), &marker).told.anew);
    }

    #[test]
    fn a_mark_that_this_version_does_not_know_voids_everything() {
        let marker = Marker::of(&MasterKey::from_text(&"ab".repeat(32)).unwrap());
        let mut lately = Lately::default();
        let unknown = Mark { position: 1, kind: None, subject: "x".to_owned() };
        lately.take(MarksAfter { head: 1, forgotten: 0, marks: vec![unknown] }, None, Instant::now());
        assert!(lately.after(Some(0), &marker).told.anew && !lately.after(Some(1), &marker).told.anew);
    }
}
