//! Failed logins, by bucket.

use jiff::Timestamp;
use pg::{Columns, Fault};
use tokio_postgres::Row;

use super::change::Change;
use super::database::Store;
use crate::domain::limits::{Buckets, Failures};

pg::statements! {
    /// Failures whose window is not over.
    ListLoginFailures<'a> = "list_login_failures" (buckets: Vec<&'a [u8]>, pair: &'a [u8], now: Timestamp);
    /// Counts a failure in each bucket.
    CountLoginFailure<'a> = "count_login_failure" (
        buckets: Vec<&'a [u8]>, now: Timestamp, window_ends_at: Timestamp
    );
    /// Takes back that an attempt was counted.
    UncountAttempt<'a> = "uncount_attempt" (buckets: Vec<&'a [u8]>);
    /// Counts somebody who asks for a letter, and says how often it was.
    CountMailRequest<'a> = "count_mail_request" (
        buckets: Vec<&'a [u8]>, now: Timestamp, window_ends_at: Timestamp
    );
    /// Forgives a pair's failures and remembers the pair.
    RememberPair<'a> = "remember_pair" (pair: &'a [u8], now: Timestamp);
    /// Forgives the failures of an account.
    ForgiveAccount<'a> = "forgive_account" (buckets: Vec<&'a [u8]>);
    /// Forgets windows and pairs that are old.
    ForgetOldAttempts = "forget_old_attempts" (windows: Timestamp, pairs: Timestamp);
}

impl Store {
    pub async fn login_failures(&self, buckets: &Buckets, now: Timestamp) -> Result<Failures, Fault> {
        let rows = self.run(&ListLoginFailures { buckets: buckets.all(), pair: &buckets.pair, now }).await?;
        let mut failures = Failures::default();
        for row in &rows {
            let mut row = Columns::of(row);
            count(&mut failures, buckets, &mut row)?;
            failures.pair_is_known = row.next("known")?;
        }
        Ok(failures)
    }

    /// Counts somebody who asks for a letter; how often it was in this window, this time too.
    pub async fn count_mail_request(
        &self,
        buckets: &Buckets,
        now: Timestamp,
        window_ends_at: Timestamp,
    ) -> Result<Failures, Fault> {
        let rows = self.run(&CountMailRequest { buckets: buckets.all(), now, window_ends_at }).await?;
        counted(buckets, &rows)
    }

    /// Counts an attempt; how many there were in this window, this one too.
    pub async fn count_login_failure(
        &self,
        buckets: &Buckets,
        now: Timestamp,
        window_ends_at: Timestamp,
    ) -> Result<Failures, Fault> {
        let rows = self.run(&CountLoginFailure { buckets: buckets.all(), now, window_ends_at }).await?;
        counted(buckets, &rows)
    }

    /// The pair has signed in: its failures are forgiven.
    pub async fn remember_pair(&self, buckets: &Buckets, now: Timestamp) -> Result<(), Fault> {
        self.run(&RememberPair { pair: &buckets.pair, now }).await.map(drop)
    }

    /// Forgets windows that ended, and pairs that were last seen, before a time.
    pub async fn forget_old_attempts(&self, windows: Timestamp, pairs: Timestamp) -> Result<(), Fault> {
        self.run(&ForgetOldAttempts { windows, pairs }).await.map(drop)
    }
}

impl Change {
    /// As [`Store::count_mail_request`], unless the change comes to nothing.
    pub async fn count_mail_request(&self, buckets: &Buckets, ends_at: Timestamp) -> Result<Failures, Fault> {
        let count = CountMailRequest { buckets: buckets.all(), now: self.at(), window_ends_at: ends_at };
        counted(buckets, &self.query(&count).await?)
    }

    /// As [`Store::remember_pair`], in a change that says so.
    pub async fn remember_pair(&self, buckets: &Buckets) -> Result<(), Fault> {
        self.query(&RememberPair { pair: &buckets.pair, now: self.at() }).await.map(drop)
    }

    /// Takes back that an attempt was counted, which was right.
    pub async fn uncount_attempt(&self, buckets: &Buckets) -> Result<(), Fault> {
        self.query(&UncountAttempt { buckets: buckets.all() }).await.map(drop)
    }

    /// Forgives the failures of an account, and those from an address.
    pub async fn forgive_account(&self, buckets: &Buckets, proofs: &[u8]) -> Result<(), Fault> {
        let buckets = vec![&*buckets.account, &*buckets.pair, proofs];
        self.query(&ForgiveAccount { buckets }).await.map(drop)
    }
}

/// The counts of these buckets.
fn counted(buckets: &Buckets, rows: &[Row]) -> Result<Failures, Fault> {
    let mut counted = Failures::default();
    for row in rows {
        count(&mut counted, buckets, &mut Columns::of(row))?;
    }
    Ok(counted)
}

/// Takes over the count of a bucket.
fn count(failures: &mut Failures, buckets: &Buckets, row: &mut Columns<'_>) -> Result<(), Fault> {
    let bucket: &[u8] = row.next("bucket")?;
    let count = Some((row.next("failures")?, row.next("window_ends_at")?));
    if bucket == buckets.pair {
        failures.pair = count;
    } else if bucket == buckets.account {
        failures.account = count;
    } else {
        failures.address = count;
    }
    Ok(())
}
