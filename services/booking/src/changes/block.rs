//! Blocking nights of a property, and freeing them.

use crate::domain::ids::{BlockId, PropertyId};
use crate::domain::property::Block;
use crate::domain::version::Version;
use crate::error::overlaps::OverlapOf;
use crate::error::{Error, Reason, Refusal};
use crate::store::{Attempt, Change, Work};

/// Blocks nights that nothing has.
#[derive(Debug)]
pub struct AddBlock {
    pub block: Block,
}

/// Ends a block.
#[derive(Debug)]
pub struct EndBlock {
    pub property: PropertyId,
    pub id: BlockId,
}

impl Work for AddBlock {
    type Outcome = Block;

    async fn attempt(&self, change: Change) -> Result<Attempt<Block>, Error> {
        let with_locks = change.with_locks();
        if with_locks && change.get_property(self.block.property).await?.is_none() {
            return Err(Error::PropertyNotFound);
        }
        match change.insert_block(&self.block).await? {
            Some(finished) => Ok(Attempt::Done(finished)),
            // There is no such property, or something has one of the nights.
            None if with_locks => Err(Error::Overlap { stay: self.block.nights, of: OverlapOf::New }),
            None => Ok(Attempt::NeedsLocks),
        }
    }
}

impl Work for EndBlock {
    type Outcome = Block;

    async fn attempt(&self, change: Change) -> Result<Attempt<Block>, Error> {
        if change.expects_version() {
            let block = change.lock_block(self.property, self.id).await?;
            change.check_version(Version::of(&block.ok_or_else(|| not_found(self.id))?))?;
        }
        let ended = change.end_block(self.property, self.id).await?;
        ended.map(Attempt::Done).ok_or_else(|| not_found(self.id).into())
    }
}

fn not_found(id: BlockId) -> Refusal {
    Refusal::new(
        Reason::BlockNotFound,
        format!("The property has no block {id}. GET /v1/properties/{{property_id}}/availability lists its blocks."),
    )
    .with("block_id", id.to_string())
}
