//! Roles of the server that all tests share: one that a test leaves behind is there for every
//! later run.

use std::panic::{AssertUnwindSafe, resume_unwind};

use futures::FutureExt;

use crate::fixture::Fixture;

/// What is done while a role is there, which goes whatever becomes of that.
pub async fn while_there<T>(fixture: &Fixture, goes_by: &str, done: impl AsyncFnOnce() -> T) -> T {
    let done = AssertUnwindSafe(done()).catch_unwind().await;
    let gone = fixture.sql.batch_execute(goes_by).await;
    let done = done.unwrap_or_else(|panic| resume_unwind(panic));
    gone.unwrap_or_else(|error| panic!("{goes_by}: {error:?}"));
    done
}
