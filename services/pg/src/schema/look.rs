//! What a database has. The catalog is read as whoever asks; nobody is kept from it.

use tokio_postgres::Client;

use super::object::{Kind, Object};
use super::service::Service;
use crate::{Fault, Kind as FaultKind};

/// A database's part of a service.
#[derive(Debug)]
pub struct Live {
    /// In the order in which objects can be made.
    pub objects: Vec<Object>,
    /// Who owns what the migrations made.
    pub owner: String,
}

/// Looks at the catalog. Afterwards the session names whatever it means with its
/// schema.
pub async fn look(client: &Client, service: &Service) -> Result<Live, Fault> {
    // Whatever is on the path is shown without its schema.
    client.batch_execute("set search_path = ''").await?;
    let Service { set, schema, role, .. } = service;
    let rows = client.query(include_str!("catalog.sql"), &[schema, &set.history_table, role]).await?;
    let mut objects = Vec::new();
    for row in rows {
        let (kind, relation): (&str, &str) = (row.try_get(0)?, row.try_get(1)?);
        let (name, definition): (&str, &str) = (row.try_get(2)?, row.try_get(3)?);
        let kind = Kind::from_name(kind)
            .ok_or_else(|| Fault::new(FaultKind::Other, format!("an object of the kind {kind}")))?;
        objects.push(Object {
            kind,
            relation: relation.to_owned(),
            name: name.to_owned(),
            definition: as_kept(definition),
        });
    }
    objects.sort();
    let owner = "select c.relowner::regrole::text from pg_class c where c.oid = to_regclass($1)";
    let owner = client.query_one(owner, &[&set.history_table]).await?.try_get(0)?;
    Ok(Live { objects, owner })
}

/// Without spaces at the ends of lines, which the file does not keep.
fn as_kept(definition: &str) -> String {
    let lines: Vec<&str> = definition.lines().map(str::trim_end).collect();
    lines.join("\n").trim().to_owned()
}
