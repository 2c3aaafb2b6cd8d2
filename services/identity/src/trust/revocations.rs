//! What was revoked lately, as one reader of this process finds it in the database, for
//! all who watch here: the streams to other services, and identity itself. How a mark comes
//! to be written is the business of the database (`migrations/identity`).
//!
//! A position is given at the commit and in the order of commits, so whoever has read a
//! place has read all before it. A watcher goes on from the place that it has heard last,
//! in any process; where its place is not known any more, or not yet, since the database
//! was restored to an earlier time, everything that it knows is void. So it is when another
//! server answers, or the same one after a restart: a standby that took over may lack the
//! last marks and have given their positions to others, so a place is one of an epoch.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use access::Revoked;
use pg::Listener;
use tokio::sync::watch;

use crate::credential::revocation_mark::Marker;
use crate::domain::ids::SessionId;
use crate::domain::revocation::{Mark, MarkKind, MarksAfter, OwnMark};
use crate::error::Error;
use crate::store::Store;

/// How often the reader looks unasked, where it hears of marks and where it cannot: a
/// pooler that shares sessions lets nobody listen. A connection that dies without a word is
/// listened to all the same, and what is acknowledged is to count everywhere a tenth of a second
/// later.
const LOOK: Duration = Duration::from_millis(50);
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
    /// Tells of every look, whether or not it has found anything.
    looks: watch::Sender<()>,
}

/// How far somebody has heard.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Place {
    /// Of which run of a server it is.
    pub epoch: Arc<str>,
    /// The last position.
    pub position: i64,
}

/// What is told after a place.
#[derive(Debug, PartialEq, Eq)]
pub struct TellAfter {
    /// Where to go on.
    pub place: Place,
    /// What is void.
    pub told: Revoked,
    /// When the look began that has found it: nothing else was revoked by then.
    pub as_of: Instant,
}

/// A mark as it is told: watchers are many, and each hears it.
#[derive(Debug)]
struct Marked {
    position: i64,
    what: What,
}

#[derive(Debug)]
enum What {
    Key(String),
    Answers(access::Mark),
    /// Of a table that was emptied, or of what this version does not know.
    Everything,
}

#[derive(Debug, Default)]
struct Lately {
    /// When the database was looked at last.
    looked: Option<Instant>,
    /// Which run of which server it was.
    epoch: Arc<str>,
    /// How far it was read.
    position: i64,
    /// Marks up to this position are not here.
    from: i64,
    marks: VecDeque<Marked>,
    /// The keys that are trusted no more, whenever that was said.
    revoked_keys: Vec<String>,
}

impl Revocations {
    /// Nothing yet.
    pub fn new(store: Store, marker: Marker) -> Self {
        Self {
            store,
            marker,
            lately: Arc::default(),
            news: watch::Sender::new(0),
            looks: watch::Sender::new(()),
        }
    }

    /// What stands for a session in a tenant's audit log.
    pub fn stand_in(&self, session: SessionId) -> SessionId {
        SessionId(self.marker.stand_in(session))
    }

    /// Makes marks.
    pub fn marker(&self) -> &Marker {
        &self.marker
    }

    /// Reads what is new, again and again.
    pub async fn read_on(&self) {
        let mut listener = None;
        let mut listen_at = Instant::now();
        let (mut unasked, mut doubted, mut failing) = (false, false, false);
        loop {
            if listener.is_none() && listen_at <= Instant::now() {
                listen_at = Instant::now() + LISTEN_AGAIN;
                listener = self.store.hear_revocations().await.ok();
            }
            match self.read().await {
                // Found without being told: the word may still come, or nobody is heard any more.
                Ok(true) if unasked => (doubted, failing) = (true, false),
                Ok(_) => failing = false,
                Err(error) => {
                    if !std::mem::replace(&mut failing, true) {
                        tracing::warn!(%error, "revocations cannot be read; verifiers ask about each caller");
                    }
                    tokio::time::sleep(AFTER_FAILURE).await;
                    continue;
                }
            }
            let look = if listener.is_some() { LOOK } else { LOOK_UNHEARD };
            let heard = tokio::time::timeout(look, heard(listener.as_mut())).await;
            unasked = heard.is_err() && listener.is_some();
            if unasked && doubted {
                // What is found from here on is found by looking, and says nothing of the next one.
                (listener, listen_at, unasked) = (None, Instant::now() + LISTEN_AGAIN, false);
            } else if heard == Ok(false) {
                listener = None;
            }
            doubted &= heard.is_err() && listener.is_some();
        }
    }

    /// Reads what is new, once; whether anything is.
    async fn read(&self) -> Result<bool, Error> {
        let (after, first, epoch) = {
            let lately = self.lately();
            (lately.position, lately.looked.is_none(), Arc::clone(&lately.epoch))
        };
        let began = Instant::now();
        let found = self.store.read_revocations(after).await?;
        let keys_changed = found.marks.iter().any(|mark| mark.kind == Some(MarkKind::SigningKey));
        let is_other = *found.epoch != *epoch || found.head < after;
        let keys = if keys_changed || first || is_other {
            Some(self.store.list_revoked_signing_keys().await?)
        } else {
            None
        };
        let new = self.lately().take(read(found, &self.marker), keys, began) || first;
        self.news.send_if_modified(|count| {
            *count += u64::from(new);
            new
        });
        self.looks.send_replace(());
        Ok(new)
    }

    /// What to tell a watcher who has heard everything up to a place, or nothing;
    /// `None` while the database was not looked at lately.
    pub fn tell(&self, after: Option<&Place>) -> Option<TellAfter> {
        let lately = self.lately();
        let as_of = lately.looked.filter(|at| at.elapsed() < LOOKED)?;
        Some(lately.after(after, as_of))
    }

    /// How many keys are trusted no more.
    pub fn revoked_keys(&self) -> usize {
        self.lately().revoked_keys.len()
    }

    /// Who waits for something new.
    pub fn news(&self) -> watch::Receiver<u64> {
        self.news.subscribe()
    }

    /// Who waits for the next look.
    pub fn looks(&self) -> watch::Receiver<()> {
        self.looks.subscribe()
    }

    fn lately(&self) -> MutexGuard<'_, Lately> {
        self.lately.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is void by what a change of this process has marked. That a signing key is trusted no
/// more is read where its position is.
pub fn void_by(marker: &Marker, own: Vec<OwnMark>) -> Revoked {
    let mut void = Revoked::default();
    for OwnMark { kind, subject } in own {
        match kind {
            Some(MarkKind::SigningKey) => {}
            Some(kind) => void.marks.push(marker.mark(kind, subject)),
            None => void.anew = true,
        }
    }
    void
}

/// Whether something was notified; `false` when nobody is heard any more.
async fn heard(listener: Option<&mut Listener>) -> bool {
    match listener {
        Some(listener) => listener.next().await.is_some(),
        None => std::future::pending().await,
    }
}

/// What was read of marks.
struct Read {
    head: i64,
    epoch: String,
    forgotten: i64,
    marks: Vec<Marked>,
}

/// Makes the marks of what was found, each once, and while nobody waits for it.
fn read(found: MarksAfter, marker: &Marker) -> Read {
    let MarksAfter { head, epoch, forgotten, marks } = found;
    let told = |Mark { position, kind, subject }| {
        let what = match kind {
            Some(MarkKind::SigningKey) => What::Key(subject),
            Some(kind) => What::Answers(marker.mark(kind, subject)),
            None => What::Everything,
        };
        Marked { position, what }
    };
    Read { head, epoch, forgotten, marks: marks.into_iter().map(told).collect() }
}

impl Lately {
    /// Takes what was found; whether anything of it is new.
    fn take(&mut self, found: Read, keys: Option<Vec<String>>, at: Instant) -> bool {
        let Read { head, epoch, forgotten, marks } = found;
        let is_first = self.looked.is_none();
        self.looked = Some(at);
        if let Some(keys) = keys {
            self.revoked_keys = keys;
        }
        let is_other = *epoch != *self.epoch && !is_first;
        if *epoch != *self.epoch {
            self.epoch = epoch.into();
        }
        if head < self.position || is_other {
            // An earlier state of the database, or another one.
            (self.position, self.from) = (head, head);
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

    fn after(&self, after: Option<&Place>, as_of: Instant) -> TellAfter {
        let place = Place { epoch: Arc::clone(&self.epoch), position: self.position };
        let known = |after: &&Place| {
            after.epoch == self.epoch && (self.from..=self.position).contains(&after.position)
        };
        let Some(after) = after.filter(known) else {
            let told = Revoked { anew: true, marks: Vec::new(), revoked_keys: self.revoked_keys.clone() };
            return TellAfter { place, told, as_of };
        };
        let mut told = Revoked::default();
        for Marked { what, .. } in self.marks.iter().skip_while(|mark| mark.position <= after.position) {
            match what {
                What::Key(kid) => told.revoked_keys.push(kid.clone()),
                What::Answers(mark) => told.marks.push(*mark),
                What::Everything => told.anew = true,
            }
        }
        TellAfter { place, told, as_of }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marker() -> Marker {
        Marker::of(&[7; 32])
    }

    fn found(epoch: &str, (head, forgotten): (i64, i64), of: &[(i64, MarkKind, &str)]) -> Read {
        let mark = |(position, kind, subject): &(i64, MarkKind, &str)| Mark {
            position: *position,
            kind: Some(*kind),
            subject: (*subject).to_owned(),
        };
        let marks = of.iter().map(mark).collect();
        read(MarksAfter { head, epoch: epoch.to_owned(), forgotten, marks }, &marker())
    }

    fn told(lately: &Lately, epoch: &str, after: Option<i64>) -> (i64, bool, Vec<access::Mark>, Vec<String>) {
        let after = after.map(|position| Place { epoch: epoch.into(), position });
        let TellAfter { place, told, .. } = lately.after(after.as_ref(), Instant::now());
        (place.position, told.anew, told.marks, told.revoked_keys)
    }

    #[test]
    fn a_watcher_hears_what_came_after_its_place_or_that_all_is_void() {
        let (mut lately, now) = (Lately::default(), Instant::now());
        let user = |id| marker().mark(MarkKind::User, id);
        let two = [(6, MarkKind::User, "a"), (7, MarkKind::User, "b"), (7, MarkKind::SigningKey, "k")];
        assert!(lately.take(found("e", (7, 5), &two), Some(vec!["k".to_owned()]), now));
        assert!(!lately.take(found("e", (7, 5), &[]), None, now));
        let told = |lately: &Lately, after| told(lately, "e", after);
        assert_eq!(told(&lately, Some(7)), (7, false, vec![], vec![]));
        assert_eq!(told(&lately, Some(6)), (7, false, vec![user("b")], vec!["k".to_owned()]));
        assert_eq!(told(&lately, Some(5)), (7, false, vec![user("a"), user("b")], vec!["k".to_owned()]));
        for unknown in [None, Some(4), Some(8), Some(-1)] {
            assert_eq!(told(&lately, unknown), (7, true, vec![], vec!["k".to_owned()]), "{unknown:?}");
        }
        // Marks are forgotten, and the database goes back to an earlier state.
        assert!(!lately.take(found("e", (7, 6), &[]), None, now));
        assert!(told(&lately, Some(5)).1 && !told(&lately, Some(6)).1);
        assert!(lately.take(found("e", (3, 0), &[]), None, now));
        assert_eq!(told(&lately, Some(7)), (3, true, vec![], vec!["k".to_owned()]));
        assert_eq!(told(&lately, Some(3)), (3, false, vec![], vec![]));
    }

    /// Before, a standby without the last marks that had others by then, at the same
    /// positions, was taken for the server that it stood by.
    #[test]
    fn whatever_another_server_has_all_is_void_at_once() {
        let now = Instant::now();
        for (head, of) in [(7, &[][..]), (9, &[(8, MarkKind::User, "c"), (9, MarkKind::User, "d")])] {
            let mut lately = Lately::default();
            lately.take(found("one", (7, 0), &[(7, MarkKind::User, "a")]), Some(vec![]), now);
            assert!(!told(&lately, "one", Some(7)).1);
            assert!(lately.take(found("other", (head, 0), of), Some(vec!["k".to_owned()]), now));
            assert_eq!(told(&lately, "one", Some(7)), (head, true, vec![], vec!["k".to_owned()]));
            assert!(told(&lately, "one", Some(head)).1, "a place of before");
            assert!(told(&lately, "", Some(head)).1, "one of a version without epochs");
            assert!(told(&lately, "other", Some(7)).1 || head == 7);
            assert!(!told(&lately, "other", Some(head)).1);
        }
    }

    #[test]
    fn very_many_marks_void_everything() {
        let mut lately = Lately::default();
        let many = vec![(1, MarkKind::User, "u"); MOST + 1];
        lately.take(found("e", (1, 0), &many), None, Instant::now());
        assert!(told(&lately, "e", Some(0)).1 && lately.marks.is_empty());
        assert!(!told(&lately, "e", Some(1)).1);
    }

    #[test]
    fn a_mark_that_this_version_does_not_know_voids_everything() {
        let mut lately = Lately::default();
        let unknown = Mark { position: 1, kind: None, subject: "x".to_owned() };
        let epoch = "e".to_owned();
        let found = MarksAfter { head: 1, epoch, forgotten: 0, marks: vec![unknown] };
        lately.take(read(found, &marker()), None, Instant::now());
        assert!(told(&lately, "e", Some(0)).1 && !told(&lately, "e", Some(1)).1);
    }
}
