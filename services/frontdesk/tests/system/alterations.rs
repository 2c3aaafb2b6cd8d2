//! Columns that somebody else alters under a running service, for the tests of both
//! services: what a change refuses meanwhile has stored nothing, and names what is altered.

use std::fmt::Debug;

use tokio_postgres::Error;
use tokio_postgres::error::SqlState;

use crate::fixture::{Answer, Fixture};

/// Refusals that a column of another kind may lead to.
const CLEAN: [&str; 6] = [
    "SCHEMA_DRIFT",
    "NOT_NULL_VIOLATION",
    "CHECK_VIOLATION",
    "INVALID_VALUE",
    "UNREADABLE_ROW",
    "FK_VIOLATION",
];

/// Why a type cannot be given to a column that keys, checks, policies and values are about.
const NOT_FOR_IT: [SqlState; 9] = [
    SqlState::FEATURE_NOT_SUPPORTED,
    SqlState::DATATYPE_MISMATCH,
    SqlState::CANNOT_COERCE,
    // The condition of an index would depend on the zone of who asks.
    SqlState::INVALID_OBJECT_DEFINITION,
    // A generated column is given none by a statement of its own.
    SqlState::INVALID_COLUMN_DEFINITION,
    SqlState::INVALID_TEXT_REPRESENTATION,
    SqlState::UNDEFINED_FUNCTION,
    SqlState::DEPENDENT_OBJECTS_STILL_EXIST,
    // What it says of bytes it does not say of their text.
    SqlState::CHECK_VIOLATION,
];
/// What `others` calls the enum of the words that a column has.
pub const ENUM: &str = "enum";
/// How often what alters is ended for a deadlock, a second each.
const DEADLOCKS: usize = 20;

/// Alters tables while the services go on, which read several of them in an order of their
/// own: of a deadlock this may be what Postgres ends, as a whole.
pub async fn alter(fixture: &Fixture, sql: &str) {
    let altered = try_to_alter(fixture, sql).await;
    altered.unwrap_or_else(|error| panic!("{sql}: {error:?}"));
}

/// The same, of what may be refused for another reason.
async fn try_to_alter(fixture: &Fixture, sql: &str) -> Result<(), Error> {
    let mut altered = fixture.sql.batch_execute(sql).await;
    for _ in 0..DEADLOCKS {
        match &altered {
            Err(error) if error.code() == Some(&SqlState::T_R_DEADLOCK_DETECTED) => {
                // If the text began a transaction, this ends it.
                fixture.sql.batch_execute("rollback").await?;
                altered = fixture.sql.batch_execute(sql).await;
            }
            _ => break,
        }
    }
    altered
}

/// What is done to a column, and what takes it back.
pub struct Alteration {
    column: String,
    there: String,
    back: String,
    /// Whether it becomes an enum, which takes no other words.
    is_enum: bool,
}

/// Columns of text that hold words.
const WORDS: [&str; 9] = [
    "status",
    "hold_policy",
    "kind",
    "state",
    "action",
    "evidence",
    "actor_kind",
    "decider_kind",
    "decline_reason_code",
];

/// A service whose columns are altered.
pub struct Altered<'a> {
    pub fixture: &'a Fixture,
    /// Other words than the column's name by which a refusal may name it.
    pub also_named: &'a [&'a str],
    /// Refusals of what is over, which it may be where a time becomes its day.
    pub over: &'a [&'a str],
}

/// How much was tried.
#[derive(Debug)]
pub struct Tried {
    pub alterations: usize,
    pub refusals: usize,
}

/// The alterations of the columns of these tables that fulfil a condition: each of the `others`
/// that a column of a type may get.
pub async fn retyped(
    fixture: &Fixture,
    schema: &str,
    tables: &[&str],
    condition: &str,
    others: fn(&str) -> &'static [&'static str],
) -> Vec<Alteration> {
    let all = alterations(fixture, schema, tables, condition, others).await;
    all.into_iter().filter(|one| !one.there.contains(" rename column ")).collect()
}

/// The same, and another name for each.
pub async fn alterations(
    fixture: &Fixture,
    schema: &str,
    tables: &[&str],
    condition: &str,
    others: fn(&str) -> &'static [&'static str],
) -> Vec<Alteration> {
    let query = format!(
        "select c.relname::text, a.attname::text, format_type(a.atttypid, null) from pg_attribute a \
         join pg_class c on c.oid = a.attrelid where c.relname = any ($1) \
         and c.relnamespace = '{schema}'::regnamespace and a.attnum > 0 and not a.attisdropped and {condition} \
         order by 1, 2"
    );
    let mut found = Vec::new();
    for row in fixture.sql.query(&query, &[&tables]).await.unwrap() {
        let (table, column, ty): (String, String, String) = (row.get(0), row.get(1), row.get(2));
        let alter = |what: String| format!("alter table {schema}.{table} {what}");
        found.push(Alteration {
            there: alter(format!("rename column {column} to gone")),
            back: alter(format!("rename column gone to {column}")),
            column: column.clone(),
            is_enum: false,
        });
        let typed = |from: &str, to: &str| {
            let value = match (from, to) {
                ("text", "bytea") => format!("convert_to({column}, 'UTF8')"),
                ("bytea", "text") if ty == "text" => format!("convert_from({column}, 'UTF8')"),
                // In the zone of these tests it would be later than challenges that are asked for.
                (_, "date" | "timestamp") if column == "asked_at" => {
                    format!("({column} at time zone 'UTC')::{to}")
                }
                ("date" | "timestamp", _) if column == "asked_at" => {
                    format!("{column}::timestamp at time zone 'UTC'")
                }
                _ => format!("{column}::{to}"),
            };
            alter(format!("alter column {column} type {to} using {value}"))
        };
        let named = others(&ty).iter().filter(|other| **other != ENUM);
        found.extend(named.map(|other| Alteration {
            there: typed(&ty, other),
            back: typed(other, &ty),
            column: column.clone(),
            is_enum: false,
        }));
        if others(&ty).contains(&ENUM) && WORDS.contains(&&*column) {
            found.push(to_enum(fixture, &format!("{schema}.{table}"), &column).await);
        }
    }
    found
}

/// Makes a column an enum of the words that are in it. Checks of its words go meanwhile; what
/// else compares it with text, an index or an exclusion constraint, keeps it as it is.
async fn to_enum(fixture: &Fixture, table: &str, column: &str) -> Alteration {
    let checks = format!(
        "from pg_constraint where conrelid = '{table}'::regclass and contype = 'c' \
         and pg_get_constraintdef(oid) ~ '\\m{column}\\M'"
    );
    let made = format!(
        "select coalesce((select string_agg(format('alter table {table} add constraint %I %s; ', conname, \
         pg_get_constraintdef(oid)), '') {checks}), ''), \
         (select replace(pg_get_expr(d.adbin, d.adrelid), '::text', '') from pg_attrdef d \
         join pg_attribute a on a.attrelid = d.adrelid and a.attnum = d.adnum \
         where d.adrelid = '{table}'::regclass and a.attname = '{column}')"
    );
    let made = fixture.sql.query_one(&made, &[]).await.unwrap();
    let (checked, default): (String, Option<String>) = (made.get(0), made.get(1));
    let default = default.map_or_else(String::new, |default| {
        format!("alter table {table} alter column {column} set default {default};")
    });
    // An enum that lacks the default is left without one.
    let there = format!(
        "do $$ declare one record; words text; begin \
         for one in select conname {checks} loop \
         execute format('alter table {table} drop constraint %I', one.conname); end loop; \
         select string_agg(distinct quote_literal({column}), ', ') into words from {table}; \
         execute format('create type words_in_use as enum (%s)', coalesce(words, quote_literal('x'))); \
         alter table {table} alter column {column} drop default; \
         alter table {table} alter column {column} type words_in_use using {column}::words_in_use; \
         begin {default} exception when others then null; end; end $$"
    );
    let back = format!(
        "alter table {table} alter column {column} drop default; \
         alter table {table} alter column {column} type text using {column}::text; \
         drop type words_in_use; {default} {checked}"
    );
    Alteration { column: column.to_owned(), there, back, is_enum: true }
}

impl Altered<'_> {
    /// Reads what there is under each alteration, and gives how many there were: nothing of it
    /// is taken down.
    pub async fn reads(
        &self,
        alterations: Vec<Alteration>,
        paths: &[String],
        read: impl AsyncFn(&str) -> Answer,
    ) -> usize {
        let read_all = async |of: &str| {
            let mut refused = Vec::new();
            for path in paths {
                let answer = read(path).await;
                if answer.status != 200 {
                    refused.push(format!("{of}: {path}: {} {}", answer.status, answer.body));
                }
            }
            refused
        };
        let mut problems = read_all("as it was").await;
        let mut tried = 0;
        for Alteration { there, back, .. } in alterations {
            match try_to_alter(self.fixture, &there).await {
                Ok(()) => {}
                Err(error) if error.code().is_some_and(|code| NOT_FOR_IT.contains(code)) => continue,
                Err(error) => panic!("{there}: {error:?}"),
            }
            tried += 1;
            problems.extend(read_all(&there).await);
            alter(self.fixture, &back).await;
        }
        problems.extend(read_all("as it was again").await);
        assert!(problems.is_empty(), "{} problems\n{}", problems.len(), problems.join("\n"));
        tried
    }

    /// Makes the changes of a round of rows of its own under each alteration. Before the
    /// first one and after the last one all of them are granted.
    pub async fn walk<C: Debug>(
        &self,
        alterations: Vec<Alteration>,
        changes: impl AsyncFn(i32) -> Vec<C>,
        send: impl AsyncFn(&C) -> Answer,
        stored: impl AsyncFn() -> String,
    ) -> Tried {
        let all_granted = async |round| {
            for change in changes(round).await {
                let answer = send(&change).await;
                assert!(answer.is_ok(), "{change:?}: {} {}", answer.status, answer.body);
            }
        };
        all_granted(0).await;
        let (mut tried, mut problems) = (Tried { alterations: 0, refusals: 0 }, Vec::new());
        for (round, alteration) in (1..).zip(alterations) {
            let Alteration { there, back, .. } = &alteration;
            let refused = |error: Error| {
                let is_meant = error.code().is_some_and(|code| NOT_FOR_IT.contains(code));
                (!is_meant).then(|| format!("{there}: {error:?}"))
            };
            // A round takes many calls to make, for nothing where the column keeps its type.
            if let Err(error) = try_to_alter(self.fixture, &format!("begin; {there}; rollback")).await {
                self.fixture.sql.batch_execute("rollback").await.unwrap();
                problems.extend(refused(error));
                continue;
            }
            let changes = changes(round).await;
            if let Err(error) = try_to_alter(self.fixture, there).await {
                problems.extend(refused(error));
                continue;
            }
            tried.alterations += 1;
            let mut before = stored().await;
            for change in changes {
                let answer = send(&change).await;
                let after = stored().await;
                if answer.status >= 400 {
                    tried.refusals += 1;
                    let wrong = self.wrong_with(&answer, &alteration, before == after);
                    problems
                        .extend(wrong.map(|wrong| format!("{there}: {change:?} {wrong}: {}", answer.body)));
                }
                before = after;
            }
            alter(self.fixture, back).await;
        }
        assert!(problems.is_empty(), "{} problems\n{}", problems.len(), problems.join("\n"));
        all_granted(900).await;
        tried
    }

    fn wrong_with(&self, refused: &Answer, of: &Alteration, as_before: bool) -> Option<&'static str> {
        let code = refused.body["code"].as_str().unwrap_or_default();
        let object = refused.body["metadata"]["object"].as_str().unwrap_or_default();
        let named = |words: &&str| object.contains(*words);
        if !as_before {
            return Some("was refused and stored");
        }
        let is_over = of.there.contains(" type date ") && self.over.contains(&code);
        let is_clean = if of.is_enum { code == "SCHEMA_DRIFT" } else { CLEAN.contains(&code) };
        if !is_clean && !is_over {
            return Some("is refused for another reason");
        }
        let is_named = object.contains(&of.column) || self.also_named.iter().any(named);
        (code == "SCHEMA_DRIFT" && !is_named).then_some("does not name it")
    }
}
