//! How Postgres runs every statement of both services on tables of a million rows:
//! with the tables' statistics, as the service's role under forced row-level
//! security, by custom and by generic plans, in both layouts. One tenant has half of the
//! rows, eight have most of the others, and a thousand have three requests each; a plan
//! that is made for the values of a call is made for the first and for one of the last.
//!
//! The tables have a fiftieth of the rows, and the catalog says fifty times that, so
//! that plans are those for a million requests. Then the statement is run, and undone,
//! which shows how many rows it read. A statement fails that
//! - reads a table whole,
//! - searches an index by the tenant alone, or by nothing, if it does not stop after a
//!   page of what the index has in order,
//! - reads more rows than [`EXPECTED`] says, or is expected to,
//! - sorts more than that.

mod expected;
mod parameters;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use devdb::TestDatabase;
use frontdesk::demo;
use pg::Statement;
use serde_json::Value as Json;
use tokio_postgres::{Client, SimpleQueryMessage};
use uuid::{Uuid, uuid};

use self::expected::{EXPECTED, FEW, MANY, WHOLE};
use self::parameters::{Windows, is_run, value};
use super::statements::{STANDARD_ONLY, runs_as};
use crate::fixture::Layout;

/// Requests that the tables have, and that the statistics say they have.
const STORED: u32 = 20_000;
const SAID: u32 = 1_000_000;

/// A tenant with half of the rows, and one with a few.
const TENANTS: [Uuid; 2] = [demo::TENANT, uuid!("0000000c-0000-7000-8000-000000000001")];

struct Tables {
    _database: TestDatabase,
    /// Explains one statement after the other; nothing is kept from one to the next.
    session: Client,
    /// Columns of each index, in order.
    indexes: BTreeMap<String, Vec<String>>,
    /// What went wrong.
    wrong: String,
}

#[tokio::test]
async fn every_statement_reads_few_rows_of_a_million() {
    let mut wrong = String::new();
    for layout in [Layout::Standard, Layout::ConfirmedOnly] {
        let mut tables = Tables::fill(layout).await;
        let [standard, single_table] = booking::statements().unwrap();
        let statements = if layout == Layout::Standard { standard } else { single_table };
        for mode in ["force_custom_plan", "force_generic_plan"] {
            // A generic plan is the same for every tenant.
            let tenants = if mode == "force_generic_plan" { &TENANTS[..1] } else { &TENANTS };
            for statement in statements.iter() {
                if layout == Layout::Standard || !STANDARD_ONLY.contains(&&*statement.name()) {
                    for tenant in tenants {
                        tables.explain(statement, booking::ROLE, mode, *tenant).await;
                    }
                }
            }
            if layout == Layout::Standard {
                for statement in identity::statements().unwrap().iter() {
                    tables.explain(statement, "frontdesk_identity", mode, demo::TENANT).await;
                }
            }
        }
        write!(wrong, "{}", tables.wrong).unwrap();
    }
    assert!(wrong.is_empty(), "{wrong}");
}

impl Tables {
    async fn fill(layout: Layout) -> Self {
        let database = TestDatabase::create(&[&identity::MIGRATIONS, &booking::MIGRATIONS]).await;
        let owner = pg::connect(&database.url).await.unwrap();
        let fill = include_str!("plans/fill.sql")
            .replace("{requests}", &STORED.to_string())
            .replace("{tenant}", &demo::TENANT.to_string());
        let skew = include_str!("plans/fill_skew.sql")
            .replace("{tenant}", &demo::TENANT.to_string())
            .replace("{small}", &TENANTS[1].to_string());
        let identity = include_str!("plans/fill_identity.sql").replace("{tenant}", &demo::TENANT.to_string());
        let script = format!("set session_replication_role = replica; {fill} {skew} {identity}");
        owner.batch_execute(&script).await.unwrap_or_else(|error| panic!("{error:?}"));
        layout.apply(&database.url).await;
        if layout != Layout::Standard {
            // As `frontdesk doctor` advises the table's owner.
            for (_, create) in booking::indexes_of_single_table() {
                owner.batch_execute(&create).await.unwrap_or_else(|error| panic!("{create}: {error:?}"));
            }
        }
        let times = SAID / STORED;
        owner
            .batch_execute(&include_str!("plans/scale.sql").replace("{times}", &times.to_string()))
            .await
            .unwrap();
        let columns = "select c.relname::text, array( \
                select pg_get_indexdef(i.indexrelid, k, true) from generate_series(1, i.indnkeyatts) k order by k \
            ) from pg_index i join pg_class c on c.oid = i.indexrelid \
            where c.relnamespace in ('public'::regnamespace, 'identity'::regnamespace)";
        let rows = owner.query(columns, &[]).await.unwrap();
        let indexes = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
        let session = pg::connect(&database.url).await.unwrap();
        Self { _database: database, session, indexes, wrong: String::new() }
    }

    async fn explain(&mut self, statement: &Statement, role: &str, mode: &str, tenant: Uuid) {
        let name = statement.name();
        let role = runs_as(&name).unwrap_or(role);
        // One that could not be explained has left its transaction.
        self.session.batch_execute("rollback").await.unwrap();
        self.session.batch_execute("discard all").await.unwrap();
        // As the services' connections are set up (`services/pg/src/pool.rs`).
        let settings = format!(
            "set role {role}; set enable_seqscan = off; set jit = off; set max_parallel_workers_per_gather = 0; \
             set plan_cache_mode = {mode}; set app.tenant = '{tenant}'; set app.tenants = '{}'",
            TENANTS.map(|tenant| tenant.to_string()).join(",")
        );
        self.session.batch_execute(&settings).await.unwrap();
        for (number, form) in statement.forms().enumerate() {
            let given: Vec<&str> = statement
                .optional()
                .enumerate()
                .filter(|(place, _)| number >> place & 1 == 1)
                .map(|(_, parameter)| parameter.name)
                .collect();
            if !is_run(statement, &given) {
                continue;
            }
            for windows in Windows::of(&given) {
                let problems = match explain(&self.session, statement, form, tenant, *windows).await {
                    Ok(plan) if tenant == TENANTS[0] => self.judge(&name, form, &plan),
                    // By the rows alone: whatever leads to a few is as good.
                    Ok(plan) => self.count(&name, &plan),
                    Err(problem) => problem,
                };
                if !problems.is_empty() {
                    writeln!(self.wrong, "{name}, {mode}, {tenant}, with {given:?}, {windows:?}: {problems}")
                        .unwrap();
                }
            }
        }
    }

    /// Whether a statement has read too much.
    fn count(&self, name: &str, plan: &Json) -> String {
        let mut seen = Seen { tables: self, statement: name, problems: Vec::new(), read: 0.0 };
        seen.node(plan, false);
        if seen.read > most(name) { format!("reads {} rows\n{plan}", seen.read) } else { String::new() }
    }

    /// What is wrong with a plan; nothing when it may be.
    fn judge(&self, name: &str, form: &pg::Form, plan: &Json) -> String {
        let mut seen = Seen { tables: self, statement: name, problems: Vec::new(), read: 0.0 };
        seen.node(plan, false);
        let Seen { mut problems, read, .. } = seen;
        if read > most(name) {
            problems.push(format!("reads {read} rows"));
        }
        if form.text().contains("+ 31") && !plan.to_string().contains("_long_") {
            problems.push("looks for long stays among all".to_owned());
        }
        if problems.is_empty() { String::new() } else { format!("{}\n{plan}", problems.join("; ")) }
    }
}

async fn explain(
    session: &Client,
    statement: &Statement,
    form: &pg::Form,
    tenant: Uuid,
    windows: Windows,
) -> Result<Json, String> {
    let types: Vec<String> = form.types().iter().map(|of| of.name().to_owned()).collect();
    let values: Vec<String> = statement
        .parameters_of(form)
        .map(|parameter| value(&statement.name(), parameter, tenant, windows))
        .collect();
    let list =
        |items: &[String]| if items.is_empty() { String::new() } else { format!("({})", items.join(", ")) };
    let failed = |error: tokio_postgres::Error| format!("{error:?}");
    session
        .batch_execute(&format!(
            "rollback; begin; deallocate all; prepare it {} as {}",
            list(&types),
            form.text()
        ))
        .await
        .map_err(failed)?;
    let values = list(&values);
    let run = format!("explain (analyze, timing off, summary off, format json) execute it{values}");
    let mut ran = session.simple_query(&run).await;
    if ran.as_ref().is_err_and(|error| error.code().is_some_and(|code| code.code().starts_with("23"))) {
        // A constraint refuses the row; what was read for it is in the plan.
        session.batch_execute("rollback; begin").await.map_err(failed)?;
        ran = session.simple_query(&format!("explain (format json) execute it{values}")).await;
    }
    session.batch_execute("rollback; deallocate it").await.map_err(failed)?;
    let text = ran.map_err(failed)?.into_iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
        _ => None,
    });
    let text = text.ok_or("there is no plan")?;
    let plan: Json = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    Ok(plan[0]["Plan"].clone())
}

fn most(statement: &str) -> f64 {
    EXPECTED.iter().find(|(name, ..)| *name == statement).map_or(FEW, |(_, most, _)| *most)
}

/// A plan being looked at.
struct Seen<'a> {
    tables: &'a Tables,
    statement: &'a str,
    problems: Vec<String>,
    /// Rows that were read from tables.
    read: f64,
}

impl Seen<'_> {
    /// `paged`: something above stops after a page.
    fn node(&mut self, node: &Json, paged: bool) {
        if is_of_long_stays(node) {
            return;
        }
        let text = |name: &str| node[name].as_str().unwrap_or_default();
        let number = |name: &str| node[name].as_f64().unwrap_or_default();
        let kind = text("Node Type");
        if kind == "Seq Scan" && is_ours(node) && !WHOLE.iter().any(|(name, _)| *name == self.statement) {
            self.problems.push(format!("reads {} whole", text("Relation Name")));
        }
        if let Some(columns) = self.tables.indexes.get(text("Index Name")) {
            self.condition(text("Index Name"), columns, text("Index Cond"), paged);
        }
        if is_ours(node) && kind != "ModifyTable" {
            let passed = number("Rows Removed by Filter") + number("Rows Removed by Index Recheck");
            self.read += (number("Actual Rows") + passed) * number("Actual Loops");
        }
        let sorts = matches!(kind, "Sort" | "Incremental Sort");
        if is_ours(node) || kind == "Sort" {
            let expected = number("Plan Rows");
            if !paged && expected > most(self.statement) {
                self.problems.push(format!("{kind} of {expected} rows is expected"));
            }
        }
        let stops = kind == "Limit"
            || paged && !matches!(kind, "Sort" | "Hash" | "Aggregate" | "HashAggregate" | "BitmapAnd");
        let stops = stops && !(sorts && kind == "Sort");
        for child in node["Plans"].as_array().into_iter().flatten() {
            // An init plan is run whole, whatever is above it.
            self.node(child, stops && child["Parent Relationship"] != "InitPlan");
        }
    }

    /// An index is searched by its first two columns, or by its first one when it is
    /// walked for a page, or when the statement may read as many rows as there are.
    fn condition(&mut self, index: &str, columns: &[String], condition: &str, paged: bool) {
        let told = |column: Option<&String>| {
            column.is_none_or(|column| {
                // Of an expression, how it begins.
                condition
                    .contains(column.trim_start_matches('(').split_whitespace().next().unwrap_or_default())
            })
        };
        let second =
            told(columns.get(1)) || paged || columns.first().is_none_or(|first| first != "tenant_id");
        let many = most(self.statement) >= MANY;
        if !(told(columns.first()) && second || condition.is_empty() && paged || many) {
            self.problems.push(format!("searches {index} by {condition:?}"));
        }
    }
}

/// An index of long stays, or the rows that it leads to: there are few, which the
/// statistics do not know.
fn is_of_long_stays(node: &Json) -> bool {
    let is = |node: &Json| node["Index Name"].as_str().is_some_and(|name| name.contains("_long_"));
    is(node)
        || node["Node Type"] == "Bitmap Heap Scan" && node["Plans"].as_array().into_iter().flatten().all(is)
}

/// Whether a node reads or changes a table of ours.
fn is_ours(node: &Json) -> bool {
    let table = node["Relation Name"].as_str().unwrap_or_default();
    !table.is_empty() && !table.starts_with("pg_")
}
