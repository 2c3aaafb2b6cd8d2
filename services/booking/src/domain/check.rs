//! How far the walk through all rows of a tenant is that finds inconsistencies: what it
//! walks through next, and when it begins again. What a step does is not known here.

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::ids::RowId;

/// Least time between the end of a check and the next one.
const REST: SignedDuration = SignedDuration::from_secs(10);

/// How far the check of a tenant's rows is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    pub phase: i32,
    pub after_kind: i32,
    pub after_id: RowId,
    /// Nothing while it rests.
    pub begun_at: Option<Timestamp>,
    pub finished_at: Option<Timestamp>,
    /// Whether the next check begins as soon as this one has ended.
    pub again: bool,
}

/// What the check walks through, one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Walk {
    Requests,
    Bookings,
    Ranges,
    /// What was found before.
    Found,
    Properties,
    Customers,
}

/// What a step has walked over.
#[derive(Debug, Clone, Copy)]
pub struct Walked {
    /// The last row, and the kind that it was found with.
    pub last: Option<(i32, RowId)>,
    /// Whether there may be more.
    pub full: bool,
}

impl Place {
    /// Where every check begins.
    pub const START: Self = Self {
        phase: 0,
        after_kind: 0,
        after_id: RowId(Uuid::nil()),
        begun_at: None,
        finished_at: None,
        again: false,
    };

    /// By what is kept, not by comparing times: those are of the clocks of several servers.
    fn is_under_way(&self) -> bool {
        self.begun_at.is_some()
    }

    /// Every row is to be looked at from now on. A check that is under way goes on to its
    /// end: programs that write very much, time and again, must not keep it from the rows
    /// that it comes to last.
    #[must_use]
    pub fn begins_again(self) -> Self {
        if self.is_under_way() { Self { again: true, ..self } } else { Self::START }
    }

    /// Where a step begins, if it is time for one.
    pub fn due(self, at: Timestamp) -> Option<Self> {
        // An end that is far ahead is of a clock that was wrong, and nothing to wait for.
        let rested = self.finished_at.is_none_or(|end| at.duration_since(end).abs() >= REST);
        if self.is_under_way() {
            Some(self)
        } else {
            rested.then_some(Self { begun_at: Some(at), finished_at: self.finished_at, ..Self::START })
        }
    }

    /// What the next step walks through. The numbers are stored: a check that an earlier
    /// version has begun goes on from its own, and that version takes those after its last
    /// one, 3, for that: while both run, it ends such a check and forgets what was found of
    /// properties and customers until the next one.
    pub fn walk(&self) -> Walk {
        match self.phase {
            0 => Walk::Requests,
            1 => Walk::Bookings,
            2 => Walk::Ranges,
            3 => Walk::Found,
            4 => Walk::Properties,
            _ => Walk::Customers,
        }
    }

    /// The place after a step.
    #[must_use]
    pub fn after(self, walked: &Walked, at: Timestamp) -> Self {
        let Self { begun_at, finished_at, again, phase, .. } = self;
        match walked.last {
            Some((after_kind, after_id)) if walked.full => Self { after_kind, after_id, ..self },
            _ if self.walk() != Walk::Customers => {
                Self { phase: phase + 1, begun_at, finished_at, again, ..Self::START }
            }
            _ if again => Self::START,
            _ => Self { finished_at: Some(at), ..Self::START },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn second(of: i64) -> Timestamp {
        Timestamp::from_second(of).unwrap()
    }

    fn rests(finished_at: i64) -> Place {
        Place { finished_at: Some(second(finished_at)), ..Place::START }
    }

    #[test]
    fn a_check_rests_and_begins_anew_whatever_the_clocks_say() {
        assert!(Place::START.due(second(0)).is_some());
        for (now, due) in [(1000, false), (1009, false), (1010, true), (995, false), (0, true)] {
            let next = rests(1000).due(second(now));
            assert_eq!(next.is_some(), due, "{now}");
            assert!(next.is_none_or(|next| next.begun_at == Some(second(now)) && next.phase == 0));
        }
        // Begun by a server whose clock is ahead of the one that ends it.
        let begun = Place { begun_at: Some(second(50)), phase: 5, ..Place::START };
        let ended = begun.after(&Walked { last: None, full: false }, second(40));
        assert_eq!(ended.due(second(41)), None);
    }

    #[test]
    fn a_check_goes_through_everything_and_again_if_it_was_asked_to() {
        let nothing = Walked { last: None, full: false };
        let walk = |again| {
            let mut place = Place { again, ..Place::START }.due(second(1)).unwrap();
            place.again = again;
            let mut walks = vec![place.walk()];
            for _ in 0..5 {
                place = place.after(&nothing, second(2));
                walks.push(place.walk());
            }
            (walks, place.after(&nothing, second(3)))
        };
        let all =
            [Walk::Requests, Walk::Bookings, Walk::Ranges, Walk::Found, Walk::Properties, Walk::Customers];
        assert_eq!(walk(false), (all.to_vec(), rests(3)));
        assert_eq!(walk(true), (all.to_vec(), Place::START));
        let row = RowId(Uuid::from_u128(7));
        let under_way = Place::START.due(second(1)).unwrap();
        let more = under_way.after(&Walked { last: Some((0, row)), full: true }, second(2));
        assert_eq!((more.walk(), more.after_id), (Walk::Requests, row));
        assert_eq!(more.begins_again(), Place { again: true, ..more });
        assert_eq!(rests(1).begins_again(), Place::START);
    }

    #[test]
    fn a_check_of_the_version_before_goes_on_and_comes_to_its_end() {
        let row = RowId(Uuid::from_u128(7));
        for (phase, walk, left) in [(2, Walk::Ranges, 4), (3, Walk::Found, 3), (6, Walk::Customers, 1)] {
            let mut place = Place { phase, after_id: row, begun_at: Some(second(1)), ..Place::START };
            assert_eq!(place.due(second(2)).map(|due| (due.walk(), due.after_id)), Some((walk, row)));
            for _ in 0..left {
                assert!(place.begun_at.is_some(), "{phase}");
                place = place.after(&Walked { last: None, full: false }, second(3));
                assert_eq!((place.after_kind, place.after_id), (0, RowId(Uuid::nil())));
            }
            assert_eq!(place, rests(3), "{phase}");
        }
    }
}
