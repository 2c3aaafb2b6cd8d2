//! `frontdesk property`.

use booking::operator::{CreatePropertyRequest, PropertyMessage as Property};
use clap::Subcommand;
use serde_json::{Value as Json, json};

use super::output::{Output, say_created};
use super::{PAGE, open_booking, open_booking_to_write};
use crate::Failure;
use crate::settings::Source;

#[derive(Debug, Subcommand)]
pub enum PropertyCommand {
    /// Creates a property; an existing one with this name stays as it is.
    Create {
        /// Short name or id of the tenant.
        tenant: String,
        /// Name of the property, unique in the tenant.
        name: String,
        /// IANA time zone, for example Europe/Berlin.
        #[arg(long)]
        time_zone: String,
        /// Most persons it takes.
        #[arg(long)]
        max_guests: i32,
    },
    /// Lists properties.
    List {
        /// Short name or id of the tenant.
        tenant: String,
    },
}

pub async fn run(source: &Source, command: PropertyCommand, output: Output) -> Result<(), Failure> {
    match command {
        PropertyCommand::Create { tenant, name, time_zone, max_guests } => {
            let operator = open_booking_to_write(source, &tenant).await?;
            let asked = CreatePropertyRequest { name, time_zone, max_guests, ..Default::default() };
            let made = operator.ensure_property(asked).await.map_err(Failure::new)?;
            say_created(made.created, "property");
            output.record(&to_json(&made.value), &made.value.id)
        }
        PropertyCommand::List { tenant } => {
            let operator = open_booking(source, &tenant).await?;
            let mut after: Option<Property> = None;
            loop {
                let page = operator.list_properties(after.as_ref(), PAGE).await.map_err(Failure::new)?;
                for property in &page {
                    output.record(&to_json(property), &format!("{} {}", property.id, property.name))?;
                }
                let Some(last) = page.into_iter().last() else { return Ok(()) };
                after = Some(last);
            }
        }
    }
}

fn to_json(property: &Property) -> Json {
    let Property { id, name, time_zone, max_guests, .. } = property;
    json!({"id": id, "name": name, "time_zone": time_zone, "max_guests": max_guests})
}
