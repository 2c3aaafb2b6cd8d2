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

/// The buckets of an attempt, hashed; one that is empty is not counted.
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

impl Limits {
    /// The same for a count that has this attempt in it.
    #[must_use]
    pub fn counting_this_one(&self) -> Self {
        let one_more = |limit: i32| if limit > 0 { limit.saturating_add(1) } else { 0 };
        let Self { pair, account, address, window } = *self;
        Self { pair: one_more(pair), account: one_more(account), address: one_more(address), window }
    }
}

impl Buckets {
    /// Those that are counted.
    pub fn all(&self) -> Vec<&[u8]> {
        let Self { pair, account, address } = self;
        [pair, account, address].into_iter().map(Vec::as_slice).filter(|one| !one.is_empty()).collect()
    }
}

/// What keeps an attempt from being made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blocked {
    /// The bucket that is full; of several, the one that most attempts share.
    pub by: Vec<u8>,
    /// When it may be made again.
    pub until: Timestamp,
}

/// Whether the attempt may not be made now.
pub fn blocked(limits: &Limits, buckets: &Buckets, failures: &Failures) -> Option<Blocked> {
    let over = |limit: i32, bucket: &[u8], count: Option<(i32, Timestamp)>| {
        count
            .filter(|(failures, _)| limit > 0 && *failures >= limit)
            .map(|(_, until)| Blocked { by: bucket.to_vec(), until })
    };
    let account =
        if failures.pair_is_known { None } else { over(limits.account, &buckets.account, failures.account) };
    let address = over(limits.address, &buckets.address, failures.address);
    let pair = over(limits.pair, &buckets.pair, failures.pair);
    let full: Vec<Blocked> = [address, account, pair].into_iter().flatten().collect();
    let until = full.iter().map(|one| one.until).max()?;
    full.into_iter().next().map(|first| Blocked { until, ..first })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn buckets() -> Buckets {
        let [pair, account, address] = ["pair", "account", "address"].map(|name| name.as_bytes().to_vec());
        Buckets { pair, account, address }
    }

    #[test]
    fn each_limit_blocks_by_itself_and_the_longest_wins() {
        let limits = Limits { pair: 5, account: 20, address: 100, window: SignedDuration::from_mins(15) };
        let until = |pair, account, address, pair_is_known| {
            let failures = Failures {
                pair: Some((pair, at(10))),
                account: Some((account, at(20))),
                address: Some((address, at(30))),
                pair_is_known,
            };
            blocked(&limits, &buckets(), &failures).map(|blocked| blocked.until)
        };
        assert_eq!(until(4, 19, 99, false), None);
        assert_eq!(until(5, 19, 99, false), Some(at(10)));
        assert_eq!(until(4, 20, 99, false), Some(at(20)));
        assert_eq!(until(5, 20, 100, false), Some(at(30)));
        assert_eq!(until(4, 1000, 99, true), None, "a known address is locked out by strangers");
        assert_eq!(until(5, 1000, 99, true), Some(at(10)));
        assert_eq!(blocked(&limits, &buckets(), &Failures::default()), None);
        let full = |pair, address| {
            let failures = Failures { pair, address, ..Failures::default() };
            blocked(&limits, &buckets(), &failures).map(|blocked| blocked.by)
        };
        assert_eq!(full(Some((5, at(9))), Some((100, at(1)))), Some(b"address".to_vec()), "most share it");
        assert_eq!(full(Some((5, at(9))), Some((99, at(1)))), Some(b"pair".to_vec()));
        let off = Limits { pair: 0, account: 0, address: 0, ..limits };
        let many = Failures { pair: Some((999, at(1))), ..Failures::default() };
        assert_eq!(blocked(&off, &buckets(), &many), None);
    }
}
