//! The wire of booking: each file parses what its calls bring, lets the changes or
//! the store work, and converts what came of it. Decides nothing.

mod answered;
mod bookings;
mod customers;
mod declines;
mod diagnostics;
mod evidence;
mod fields;
mod fulfilment;
mod headers;
mod import;
mod inconsistencies;
pub mod operator;
mod properties;
mod request_lists;
mod requests;
mod settings;
mod sizes;
mod stay_rules;
mod watch;

use std::sync::Arc;

use prost::Message;
use tonic::{Response, Status};

use crate::call::KeyedCall;
use crate::changes::Approvals;
use crate::error::Error;
use crate::feed::Feed;
use crate::store::{Store, Work};

pub use self::answered::Answered;
pub use self::import::limits::Imports;

/// All of booking's services.
#[derive(Debug)]
pub struct Booking {
    pub store: Store,
    pub approvals: Approvals,
    pub feed: Feed,
    pub imports: Imports,
    pub answered: Arc<Answered>,
}

impl Booking {
    /// Makes a change and answers with the message of its outcome. With an
    /// idempotency key that is the stored one, whoever made the change.
    async fn change<W: Work, M: Message + Default>(
        &self,
        KeyedCall { call, key }: &KeyedCall,
        work: &W,
        message: impl Fn(&W::Outcome) -> M + Sync,
    ) -> Result<Response<M>, Status> {
        let Some(key) = key else {
            return Ok(Response::new(message(&self.store.change(call, work).await?)));
        };
        let encode = |outcome: &W::Outcome| message(outcome).encode_to_vec();
        let stored = self.store.change_once(call, key, work, encode).await?;
        M::decode(stored.as_slice()).map(Response::new).map_err(|error| {
            Error::from(pg::Fault::new(pg::Kind::Other, format!("a stored answer: {error}"))).into()
        })
    }
}

/// A fault of a read.
fn failed(fault: pg::Fault) -> Status {
    Error::from(fault).into()
}
