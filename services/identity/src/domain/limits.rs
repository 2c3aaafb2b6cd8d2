//! How many failed logins are allowed, per account, per client address, and for
//! both together.

use jiff::{SignedDuration, Timestamp};

/// The limits; 0 means none.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Failures of one account from one address.
    pub pair: i32,
    /// Failures of one account from anywhere. Addresses that have signed in to
    /// the account before are not held to it, so nobody can lock its user out.
    pub account: i32,
    /// Failures from one address, whatever the account.
    pub address: i32,
    /// How long failures count.
    pub window: SignedDuration,
}

/// The buckets of an attempt, hashed.
#[derive(Debug)]
pub struct Buckets {
    pub pair: Vec<u8>,
    pub account: Vec<u8>,
    pub address: Vec<u8>,
}

/// Failures so far, each with the end of its window.
#[derive(Debug, Default)]
pub struct Failures {
    pub pair: Option<(i32, Timestamp)>,
    pub account: Option<(i32, Timestamp)>,
    pub address: Option<(i32, Timestamp)>,
    /// The address has signed in to the account before.
    pub pair_is_known: bool,
}

impl Buckets {
    pub fn all(&self) -> Vec<&[u8]> {
        vec![&self.pair, &self.account, &self.address]
    }
}

/// When the attempt may be made again, if it may not be made now.
pub fn blocked_until(limits: &Limits, failures: &Failures) -> Option<Timestamp> {
    let over = |limit: i32, count: Option<(i32, Timestamp)>| {
        count.filter(|(failures, _)| limit > 0 && *failures >= limit).map(|(_, until)| until)
    };
    let account = if failures.pair_is_known { None } else { over(limits.account, failures.account) };
    [over(limits.pair, failures.pair), account, over(limits.address, failures.address)]
        .into_iter()
        .flatten()
        .max()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn each_limit_blocks_by_itself_and_the_longest_wins() {
        let limits = Limits { pair: 5, account: 20, address: 100, window: SignedDuration::from_mins(15) };
        let blocked = |pair, account, address, pair_is_known| {
            let failures = Failures {
                pair: Some((pair, at(10))),
                account: Some((account, at(20))),
                address: Some((address, at(30))),
                pair_is_known,
            };
            blocked_until(&limits, &failures)
        };
        assert_eq!(blocked(4, 19, 99, false), None);
        assert_eq!(blocked(5, 19, 99, false), Some(at(10)));
        assert_eq!(blocked(4, 20, 99, false), Some(at(20)));
        assert_eq!(blocked(5, 20, 100, false), Some(at(30)));
        assert_eq!(blocked(4, 1000, 99, true), None, "a known address is locked out by strangers");
        assert_eq!(blocked(5, 1000, 99, true), Some(at(10)));
        assert_eq!(blocked_until(&limits, &Failures::default()), None);
        let off = Limits { pair: 0, account: 0, address: 0, ..limits };
        let many = Failures { pair: Some((999, at(1))), ..Failures::default() };
        assert_eq!(blocked_until(&off, &many), None);
    }
}
