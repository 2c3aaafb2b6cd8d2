//! `frontdesk tenant`.

use clap::Subcommand;
use identity::operator::{Tenant, TenantId};
use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::output::{Output, say_created};
use super::{PAGE, open, open_to_write};
use crate::Failure;
use crate::settings::Source;

#[derive(Debug, Subcommand)]
pub enum TenantCommand {
    /// Creates a tenant; an existing one stays as it is.
    Create {
        /// Short name: letters, digits and hyphens in lower case.
        slug: String,
        /// Name shown to people; the short name when left out.
        #[arg(long)]
        name: Option<String>,
    },
    /// Lists tenants.
    List,
}

pub async fn run(source: &Source, command: TenantCommand, output: Output) -> Result<(), Failure> {
    match command {
        TenantCommand::Create { slug, name } => {
            let operator = open_to_write(source).await?;
            let name = name.unwrap_or_else(|| slug.clone());
            let made =
                operator.ensure_tenant(TenantId(Uuid::now_v7()), &slug, &name).await.map_err(Failure::new)?;
            say_created(made.created, "tenant");
            output.record(&to_json(&made.value), &made.value.id.to_string())
        }
        TenantCommand::List => {
            let operator = open(source).await?;
            let mut after = (String::new(), TenantId::default());
            loop {
                let page = operator.list_tenants((&after.0, after.1), PAGE).await.map_err(Failure::new)?;
                for tenant in &page {
                    let Tenant { id, slug, name, .. } = tenant;
                    output.record(&to_json(tenant), &format!("{id} {slug} {name}"))?;
                }
                let Some(last) = page.last() else { return Ok(()) };
                after = (last.slug.clone(), last.id);
            }
        }
    }
}

fn to_json(tenant: &Tenant) -> Json {
    let Tenant { id, slug, name, created_at, suspended_at, deletion } = tenant;
    json!({
        "id": id.0, "slug": slug, "name": name, "created_at": created_at, "suspended_at": suspended_at,
        "deleted_at": deletion.map(|deletion| deletion.asked_at),
        "purge_at": deletion.map(|deletion| deletion.purge_at),
    })
}
