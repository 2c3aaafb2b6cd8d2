//! Failed logins, by bucket.

use jiff::Timestamp;
use pg::{Fault, column};

use super::{Store, named_statements};
use crate::domain::limits::{Buckets, Failures};

named_statements! {
    LIST_LOGIN_FAILURES = "list_login_failures";
    COUNT_LOGIN_FAILURE = "count_login_failure";
    REMEMBER_PAIR = "remember_pair";
    FORGET_OLD_ATTEMPTS = "forget_old_attempts";
}

impl Store {
    pub async fn login_failures(&self, buckets: &Buckets, now: Timestamp) -> Result<Failures, Fault> {
        let wanted = buckets.all();
        let rows = self.db.query_global(LIST_LOGIN_FAILURES, &[&wanted, &now, &buckets.pair]).await?;
        let mut failures = Failures::default();
        for row in &rows {
            let bucket: Vec<u8> = column(row, "bucket")?;
            let count = (column::<i32>(row, "failures")?, column(row, "window_ends_at")?);
            failures.pair_is_known = column(row, "known")?;
            if bucket == buckets.pair {
                failures.pair = Some(count);
            } else if bucket == buckets.account {
                failures.account = Some(count);
            } else {
                failures.address = Some(count);
            }
        }
        Ok(failures)
    }

    pub async fn count_login_failure(
        &self,
        buckets: &Buckets,
        now: Timestamp,
        window_ends_at: Timestamp,
    ) -> Result<(), Fault> {
        self.db.query_global(COUNT_LOGIN_FAILURE, &[&buckets.all(), &now, &window_ends_at]).await.map(drop)
    }

    /// The pair has signed in: its failures are forgiven.
    pub async fn remember_pair(&self, buckets: &Buckets, now: Timestamp) -> Result<(), Fault> {
        self.db.query_global(REMEMBER_PAIR, &[&buckets.pair, &now]).await.map(drop)
    }

    pub async fn forget_old_attempts(&self, windows: Timestamp, pairs: Timestamp) -> Result<(), Fault> {
        self.db.query_global(FORGET_OLD_ATTEMPTS, &[&windows, &pairs]).await.map(drop)
    }
}
