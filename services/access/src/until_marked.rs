//! Answers of identity to its own callers, kept until a mark says that they are void.
//!
//! Identity keeps them beside the database that has the marks, so it need not believe an
//! answer for as long as other services do (`cache.rs`): only while the marks are read all
//! the time. One is used while the last look at the marks began a tenth of a second ago at
//! most. So what was changed by another process, and is acknowledged, is seen that much later
//! at most, also where nothing is heard any more; what this process has changed itself, it
//! marks before it acknowledges it. An answer is given to no other key than the one that it was
//! kept under.

use std::collections::HashMap;
use std::hash::Hash;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use crate::heard::{AskedAt, Heard, Mark};

/// How long ago a look at the marks may have begun that an answer is confirmed by: what is
/// acknowledged counts everywhere that much later. Identity looks twice as often; where it is
/// late, answers are asked for as if none were kept.
const HOLDS: Duration = Duration::from_millis(100);
/// The age at which one is asked for anew, whatever is heard.
const OLDEST: Duration = Duration::from_mins(1);
/// Most answers, half of them of each generation.
const MOST: usize = 4_096;

/// Answers by what they depend on.
#[derive(Debug)]
pub struct UntilMarked<K, V> {
    heard: Arc<Heard>,
    answers: Mutex<Generations<K, V>>,
}

/// Answers that were used lately, and those that were used before them. When there are too many
/// of the first they take the place of the second, which are forgotten: to make room takes no
/// look at any of them.
#[derive(Debug)]
struct Generations<K, V> {
    young: HashMap<K, Answer<V>>,
    old: HashMap<K, Answer<V>>,
}

#[derive(Debug)]
struct Answer<V> {
    /// When it was asked for, and up to which mark it has been looked at.
    asked: AskedAt,
    marks: Arc<[Mark]>,
    /// When it is over, whatever is heard.
    until: Option<Timestamp>,
    value: V,
}

impl<K: Eq + Hash, V: Clone> UntilMarked<K, V> {
    pub(crate) fn new(heard: &Arc<Heard>) -> Self {
        let none = Generations { young: HashMap::new(), old: HashMap::new() };
        Self { heard: Arc::clone(heard), answers: Mutex::new(none) }
    }

    /// The answer of a key, if there is one that holds.
    pub fn get(&self, key: &K, now: Timestamp) -> Option<V> {
        // Dropped after the lock is released: freeing thousands of answers takes a while.
        let _forgotten;
        let mut answers = self.answers();
        if let Some((key, answer)) = answers.old.remove_entry(key) {
            _forgotten = answers.put(key, answer);
        }
        let answer = answers.young.get_mut(key)?;
        if let Some(count) = answer.confirmed(&self.heard, now) {
            answer.asked.count = count;
            return Some(answer.value.clone());
        }
        // Where nothing is heard for a while it may hold again.
        if answer.is_over(&self.heard, now) {
            answers.young.remove(key);
        }
        None
    }

    /// To be called before an answer is asked for that is to be kept.
    pub fn asking(&self) -> AskedAt {
        self.heard.asked()
    }

    /// Keeps an answer that was asked for then, and depends on what has these marks.
    pub fn keep(&self, key: K, value: V, asked: AskedAt, marks: Arc<[Mark]>, until: Option<Timestamp>) {
        if marks.is_empty() || self.heard.voids(asked.count, &marks) {
            return;
        }
        let _forgotten;
        let mut answers = self.answers();
        answers.old.remove(&key);
        _forgotten = answers.put(key, Answer { asked, marks, until, value });
    }

    fn answers(&self) -> MutexGuard<'_, Generations<K, V>> {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Eq + Hash, V> Generations<K, V> {
    /// Puts an answer among those that were used lately; what is forgotten for it.
    fn put(&mut self, key: K, answer: Answer<V>) -> HashMap<K, Answer<V>> {
        let is_full = self.young.len() >= MOST / 2 && !self.young.contains_key(&key);
        let forgotten =
            if is_full { mem::replace(&mut self.old, mem::take(&mut self.young)) } else { HashMap::new() };
        self.young.insert(key, answer);
        forgotten
    }
}

impl<V> Answer<V> {
    /// How much was heard by now, if the answer holds.
    fn confirmed(&self, heard: &Heard, now: Timestamp) -> Option<u64> {
        if self.is_old(now) {
            return None;
        }
        heard.holds(self.asked.count, &self.marks, HOLDS)
    }

    /// Whether it will not hold again.
    fn is_over(&self, heard: &Heard, now: Timestamp) -> bool {
        self.is_old(now) || heard.voids(self.asked.count, &self.marks)
    }

    fn is_old(&self, now: Timestamp) -> bool {
        self.asked.at.elapsed() >= OLDEST || self.until.is_some_and(|until| until <= now)
    }
}

#[cfg(test)]
// A test that cannot go on says where.
#[allow(clippy::unwrap_used)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::heard::Revoked;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;
    const MINE: Mark = [1; 16];
    const OTHER: Mark = [2; 16];

    fn told(marks: &[Mark]) -> Revoked {
        Revoked { marks: marks.to_vec(), ..Revoked::default() }
    }

    /// Answers where the marks were looked at just now.
    fn answers() -> UntilMarked<u8, &'static str> {
        let heard = Arc::new(Heard::default());
        heard.hear(&Revoked::default(), Some(Instant::now()), || {});
        UntilMarked::new(&heard)
    }

    fn keep(answers: &UntilMarked<u8, &'static str>, key: u8, value: &'static str) {
        answers.keep(key, value, answers.asking(), [MINE].into(), None);
    }

    #[test]
    fn an_answer_is_used_until_its_mark_whoever_tells_of_it() {
        for as_of in [None, Some(Instant::now())] {
            let answers = answers();
            keep(&answers, 7, "before");
            answers.heard.hear(&told(&[OTHER]), as_of, || {});
            assert_eq!(answers.get(&7, NOW), Some("before"));
            assert_eq!(answers.get(&8, NOW), None, "of nobody else");
            answers.heard.hear(&told(&[MINE]), as_of, || {});
            assert_eq!(answers.get(&7, NOW), None);
            keep(&answers, 7, "after");
            assert_eq!(answers.get(&7, NOW), Some("after"));
            answers.heard.hear(&Revoked { anew: true, ..Revoked::default() }, as_of, || {});
            assert_eq!(answers.get(&7, NOW), None);
        }
    }

    #[test]
    fn what_is_marked_while_it_is_on_its_way_is_not_kept() {
        let answers = answers();
        let asked = answers.asking();
        answers.heard.hear(&told(&[MINE]), None, || {});
        answers.keep(7, "void", asked, [MINE].into(), None);
        assert_eq!(answers.get(&7, NOW), None);
        answers.keep(7, "depends on nothing", answers.asking(), [].into(), None);
        assert_eq!(answers.get(&7, NOW), None);
    }

    #[test]
    fn nothing_is_used_while_nobody_looks_at_the_marks() {
        let heard = Arc::new(Heard::default());
        let answers = UntilMarked::new(&heard);
        keep(&answers, 7, "kept");
        assert_eq!(answers.get(&7, NOW), None, "never looked");
        let ago = |by: Duration| Some(Instant::now().checked_sub(by).unwrap());
        heard.hear(&Revoked::default(), ago(HOLDS), || {});
        assert_eq!(answers.get(&7, NOW), None, "looked too long ago");
        // What this process has marked itself says nothing of others.
        heard.hear(&told(&[OTHER]), None, || {});
        assert_eq!(answers.get(&7, NOW), None);
        heard.hear(&Revoked::default(), Some(Instant::now()), || {});
        assert_eq!(answers.get(&7, NOW), Some("kept"));
    }

    #[test]
    fn an_answer_ends_with_its_time_and_its_age() {
        let answers = answers();
        answers.keep(7, "until", answers.asking(), [MINE].into(), Some(NOW));
        assert_eq!(answers.get(&7, NOW), None);
        let mut asked = answers.asking();
        asked.at = Instant::now().checked_sub(OLDEST).unwrap();
        answers.keep(7, "old", asked, [MINE].into(), None);
        assert_eq!(answers.get(&7, NOW), None);
    }

    #[test]
    fn however_many_ask_a_bounded_number_is_kept_and_those_that_are_used_stay() {
        let heard = Arc::new(Heard::default());
        let looked = || heard.hear(&Revoked::default(), Some(Instant::now()), || {});
        let answers = UntilMarked::new(&heard);
        for key in 0..3 * MOST {
            looked();
            answers.keep(key, key, answers.asking(), [MINE].into(), None);
            if key % 100 == 0 {
                assert_eq!(answers.get(&0, NOW), Some(0), "used all the time, {key}");
            }
        }
        let kept = {
            let kept = answers.answers();
            kept.young.len() + kept.old.len()
        };
        assert!((MOST / 2..=MOST).contains(&kept), "{kept}");
        looked();
        assert_eq!(answers.get(&(3 * MOST - 1), NOW), Some(3 * MOST - 1));
        assert_eq!(answers.get(&1, NOW), None, "not used for long");
    }

    #[test]
    fn a_newer_answer_of_a_key_takes_the_place_of_the_one_before_wherever_that_is() {
        let answers = answers();
        keep(&answers, 1, "before");
        {
            let mut kept = answers.answers();
            kept.old = mem::take(&mut kept.young);
        }
        keep(&answers, 1, "after");
        assert!(answers.answers().old.is_empty());
        assert_eq!(answers.get(&1, NOW), Some("after"));
    }
}
