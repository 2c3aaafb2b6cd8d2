//! What a database has. The catalog is read as whoever asks; nobody is kept from it.

use tokio_postgres::Client;
use tokio_postgres::types::{ToSql, Type};

use super::object::{Kind, Object};
use super::service::Service;
use crate::settings::begin_command;
use crate::{Fault, Kind as FaultKind};

/// A database's part of a service.
#[derive(Debug)]
pub struct Live {
    /// In the order in which objects can be made.
    pub objects: Vec<Object>,
    /// Who owns what the migrations made.
    pub owner: String,
}

/// Looks at the catalog, in a transaction.
pub async fn look(client: &Client, service: &Service) -> Result<Live, Fault> {
    // Whatever is on the path is shown without its schema.
    client.batch_execute(&format!("{}; set local search_path = ''", begin_command())).await?;
    let Service { set, schema, role, .. } = service;
    let asked = [schema, &set.history_table, role];
    let asked: Vec<_> = asked.iter().map(|name| (*name as &(dyn ToSql + Sync), Type::TEXT)).collect();
    let rows = client.query_typed(include_str!("catalog.sql"), &asked).await?;
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
    let rows = client.query_typed(owner, &[(&set.history_table, Type::TEXT)]).await?;
    let owner =
        rows.first().ok_or_else(|| Fault::new(FaultKind::Other, "nobody owns the table of migrations"))?;
    let owner = owner.try_get(0)?;
    client.batch_execute("commit").await?;
    Ok(Live { objects, owner })
}

/// Without spaces at the ends of lines, which the file does not keep.
fn as_kept(definition: &str) -> String {
    let lines: Vec<&str> = definition.lines().map(str::trim_end).collect();
    lines.join("\n").trim().to_owned()
}
