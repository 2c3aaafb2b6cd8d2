//! Creating and changing a property.

use pg::Fault;

use crate::domain::ids::PropertyId;
use crate::domain::property::{NewProperty, Property, PropertyUpdate};
use crate::domain::version::Version;
use crate::error::{Error, Reason, Refusal};
use crate::store::constraints::name_is_taken;
use crate::store::{Attempt, Change, Work};

/// Stores a property.
#[derive(Debug)]
pub struct CreateProperty {
    pub new: NewProperty,
}

/// Changes a property.
#[derive(Debug)]
pub struct UpdateProperty {
    pub id: PropertyId,
    pub update: PropertyUpdate,
}

impl Work for CreateProperty {
    type Outcome = Property;

    async fn attempt(&self, change: Change) -> Result<Attempt<Property>, Error> {
        change.insert_property(&self.new).await.map(Attempt::Done).map_err(meaning)
    }
}

impl Work for UpdateProperty {
    type Outcome = Property;

    async fn attempt(&self, mut change: Change) -> Result<Attempt<Property>, Error> {
        // Also where no version is asked for: without the row nobody knows when it changes.
        let property = change.lock_changed_property(self.id).await?.ok_or(Error::PropertyNotFound)?;
        change.check_version(Version::of(&property))?;
        let updated = change.update_property(self.id, &self.update).await.map_err(meaning)?;
        updated.map(Attempt::Done).ok_or(Error::PropertyNotFound)
    }
}

fn meaning(fault: Fault) -> Error {
    if !name_is_taken(&fault) {
        return fault.into();
    }
    Refusal::new(
        Reason::AlreadyExists,
        "The tenant has a property of this name, or of one that looks the same. Nothing was stored; choose another name.",
    )
    .with("field", "name")
    .into()
}
