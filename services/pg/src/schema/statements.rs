//! The statements that make an object.

use super::object::{Kind, Object};

/// How long a step waits for a lock: calls that come behind it wait as long.
pub const LOCK_PATIENCE: &str = "5s";
/// The policy that lets a change of every row see them all, while it lasts.
pub const SEES_ROWS: &str = "repair_sees_rows";

/// What mends one thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Statements, one after the other; what has to be done at once is one of them, with
    /// `;` between its parts.
    pub sql: Vec<String>,
    /// Whether each has a transaction of its own; an index that is built while others
    /// write has none.
    pub in_transaction: bool,
    /// The index that the first of them builds without one.
    pub built: Option<Built>,
    /// What removes what is left behind when one of them fails.
    pub undo: Option<String>,
    /// How rows are found that keep it from being done, if one statement finds them.
    pub in_the_way: Option<String>,
}

/// An index that is built while others write: a build that fails leaves it unfinished.
/// Another of its name, be it finished or of another table, is nobody's to drop here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Built {
    pub name: String,
    pub table: String,
}

impl Built {
    /// A query whose answer is the statement that drops it where it is unfinished.
    pub fn unfinished(&self) -> String {
        format!("{} and not indisvalid", self.finished_or_not())
    }

    /// A query whose answer is the statement that drops it, for the step that has built it.
    pub fn finished_or_not(&self) -> String {
        let Self { name, table } = self;
        format!(
            "select 'drop index concurrently {name}' from pg_catalog.pg_index \
             where indexrelid = to_regclass('{name}') and indrelid = to_regclass('{table}')"
        )
    }
}

impl Step {
    /// In a transaction.
    pub fn one(sql: String) -> Self {
        Self { sql: vec![sql], in_transaction: true, built: None, undo: None, in_the_way: None }
    }

    /// Without one.
    pub fn alone(sql: String) -> Self {
        Self { in_transaction: false, ..Self::one(sql) }
    }

    /// A change of the rows of every tenant. Row security is forced on the table's
    /// owner, too, who has to be let in for as long; a policy locks the table, so that it
    /// is made and dropped by itself.
    pub fn on_every_row(table: &str, sql: &str) -> Self {
        let drop = format!("drop policy if exists {SEES_ROWS} on {table}");
        let create = format!(
            "{drop}; create policy {SEES_ROWS} on {table} to current_user using (true) with check (true)"
        );
        let undo = Some(drop.clone());
        Self { sql: vec![create, sql.to_owned(), drop], undo, ..Self::one(String::new()) }
    }

    /// As a script for psql has it.
    pub fn script(&self) -> String {
        let Self { sql, in_transaction, built, .. } = self;
        let left_over = built.iter().map(|built| format!("{} \\gexec\n", built.unfinished()));
        let one = |sql: &String| {
            if *in_transaction {
                format!("begin;\nset local lock_timeout = '{LOCK_PATIENCE}';\n{sql};\ncommit;\n")
            } else {
                format!("{sql};\n")
            }
        };
        left_over.chain(sql.iter().map(one)).collect()
    }
}

/// What makes an object; `wanted` is everything that is to be there.
pub fn made(object: &Object, wanted: &[Object], owner: &str) -> Step {
    let Object { kind, relation, name, definition } = object;
    let sql = match kind {
        Kind::Role => format!("create role {name} nologin {definition}"),
        Kind::Membership => format!("grant {relation} to {name}"),
        Kind::Schema => format!("create schema {name}"),
        Kind::Extension => format!("create extension if not exists {name} schema public"),
        Kind::Sequence => format!("create sequence {name} {definition}"),
        Kind::Function => function(object, wanted),
        Kind::Trigger => definition.clone(),
        Kind::ClosedFunction => closed_to_others(name, wanted),
        Kind::Table => table(object, wanted),
        Kind::Column => format!("alter table {relation} add column {}", column(object, wanted, false)),
        Kind::ColumnOption => {
            let (column, option) = object.option();
            format!("alter table {relation} alter column {column} set ({option} = {definition})")
        }
        Kind::TableOption => format!("alter table {relation} set ({name} = {definition})"),
        Kind::Default => format!("alter table {relation} alter column {name} set default {definition}"),
        Kind::NotNull => return not_null(relation, name),
        Kind::RowSecurity => format!("alter table {relation} {name} row level security"),
        Kind::Policy => {
            format!("create policy {name} on {relation} {}", definition.replace("{owner}", owner))
        }
        Kind::TriggerFires => format!("alter table {relation} enable trigger {name}"),
        Kind::Constraint => format!("alter table {relation} add constraint {name} {definition}"),
        Kind::Index => return index(relation, name, definition),
        Kind::GrantOnSchema => format!("grant {} to {name}", definition.replace(" on ", " on schema ")),
        Kind::GrantOnFunction => format!("grant {definition} on function {relation} to {name}"),
        Kind::GrantOnSequence => format!("grant {definition} on sequence {relation} to {name}"),
        Kind::Grant => format!("grant {definition} on {relation} to {name}"),
    };
    Step::one(sql.trim_end().to_owned())
}

/// Whether it can hold for what is written from now on before it holds for every row: so
/// the table is locked for a moment only, and rows that break it keep nobody from having
/// it.
pub fn is_validated_later(object: &Object) -> bool {
    let begins = |word| object.definition.starts_with(word);
    object.kind == Kind::Constraint && (begins("CHECK ") || begins("FOREIGN KEY "))
}

/// A constraint that holds for what is written from now on.
pub fn unvalidated(constraint: &Object) -> Step {
    let Object { relation, name, definition, .. } = constraint;
    Step::one(format!("alter table {relation} add constraint {name} {definition} not valid"))
}

/// A constraint in place of another of its name: what is written keeps to one of them at
/// any time, and rows that break this one keep nobody from having it.
pub fn replaced(constraint: &Object) -> Step {
    let Object { relation, name, definition, .. } = constraint;
    let both = format!(
        "alter table {relation} drop constraint {name}, add constraint {name} {definition} not valid"
    );
    let validated = validated(constraint);
    Step { sql: [vec![both], validated.sql].concat(), ..validated }
}

/// A policy or a trigger in place of another of its name, at once.
pub fn remade(object: &Object, owner: &str) -> Step {
    let Object { kind, relation, name, .. } = object;
    let drop = format!("drop {} {name} on {relation}", kind.name());
    Step::one([vec![drop], made(object, &[], owner).sql].concat().join("; "))
}

/// Looks whether a constraint holds for every row, while others write.
pub fn validated(constraint: &Object) -> Step {
    let Object { relation, name, definition, .. } = constraint;
    let rule = definition.strip_prefix("CHECK ");
    Step {
        in_the_way: rule.map(|rule| format!("select * from {relation} where {rule} is false")),
        ..Step::one(format!("alter table {relation} validate constraint {name}"))
    }
}

fn not_null(table: &str, column: &str) -> Step {
    Step {
        in_the_way: Some(format!("select * from {table} where {column} is null")),
        ..Step::one(format!("alter table {table} alter column {column} set not null"))
    }
}

/// A function, closed before anybody can run it, if it is to be.
fn function(function: &Object, wanted: &[Object]) -> String {
    let is_closed = |one: &Object| one.kind == Kind::ClosedFunction && one.name == function.name;
    if wanted.iter().any(is_closed) {
        format!("{};\n{}", function.definition, closed(&function.name))
    } else {
        function.definition.clone()
    }
}

/// A function that is there, closed: who may run it could until now because everybody may.
fn closed_to_others(function: &str, wanted: &[Object]) -> String {
    let grants = wanted.iter().filter(|one| one.kind == Kind::GrantOnFunction && one.relation == function);
    grants.fold(closed(function), |sql, Object { name, definition, .. }| {
        format!("{sql};\ngrant {definition} on function {function} to {name}")
    })
}

fn closed(function: &str) -> String {
    format!("revoke execute on function {function} from public")
}

/// A table with its columns; the rest is made by itself.
fn table(table: &Object, wanted: &[Object]) -> String {
    let columns = wanted.iter().filter(|one| one.kind == Kind::Column && one.relation == table.name);
    let columns: Vec<String> = columns.map(|one| column(one, wanted, true)).collect();
    let create = format!("create {} table", table.definition).replace("  ", " ");
    format!("{create} {} (\n    {}\n)", table.name, columns.join(",\n    "))
}

/// A column. Where rows may be there, it is kept from being empty only if it brings a
/// value for them.
fn column(column: &Object, wanted: &[Object], empty: bool) -> String {
    let of = |kind| {
        wanted
            .iter()
            .find(|one| one.kind == kind && one.relation == column.relation && one.name == column.name)
    };
    let default = of(Kind::Default).map(|one| format!(" default {}", one.definition));
    let not_null = of(Kind::NotNull).is_some() && (empty || default.is_some());
    let not_null = if not_null { " not null" } else { "" };
    format!("{} {}{}{not_null}", column.name, column.definition, default.unwrap_or_default())
}

/// Built while others write.
fn index(table: &str, name: &str, definition: &str) -> Step {
    let [table, owned] = [table, name].map(str::to_owned);
    let built = Some(Built { name: owned, table });
    Step { built, ..Step::alone(definition.replacen(" INDEX ", " INDEX CONCURRENTLY ", 1)) }
}

/// An index in place of another of its name, which serves until this one is built.
pub fn exchanged(index: &Object) -> Step {
    let Object { relation, name, definition, .. } = index;
    let (schema, short) = name.rsplit_once('.').unwrap_or(("public", name));
    let anew = format!("{short}_anew");
    let named = definition.replacen(&format!(" INDEX {short} "), &format!(" INDEX {anew} "), 1);
    let step = self::index(relation, &format!("{schema}.{anew}"), &named);
    let exchange = format!(
        "begin; set local lock_timeout = '{LOCK_PATIENCE}'; drop index {name}; \
         alter index {schema}.{anew} rename to {short}; commit"
    );
    Step { sql: [step.sql.clone(), vec![exchange]].concat(), ..step }
}

/// Whether others may refer to what it keeps apart.
pub fn is_key(definition: &str) -> bool {
    ["PRIMARY KEY (", "UNIQUE ("].iter().any(|begin| definition.starts_with(begin))
}

/// A key in place of another of its name, which serves until the index of this one is
/// built; `None` for one that says more than its columns.
pub fn exchanged_key(key: &Object) -> Option<Step> {
    let Object { relation, name, definition, .. } = key;
    let (what, columns) = definition.strip_suffix(')')?.split_once(" (")?;
    if !is_key(definition) || columns.contains(['(', ')']) || name.contains('"') {
        return None;
    }
    let (schema, _) = relation.rsplit_once('.')?;
    let anew = format!("{name}_anew");
    let create = format!("CREATE UNIQUE INDEX {anew} ON {relation} USING btree ({columns})");
    let step = index(relation, &format!("{schema}.{anew}"), &create);
    let exchange = format!(
        "begin; set local lock_timeout = '{LOCK_PATIENCE}'; alter table {relation} drop constraint {name}; \
         alter table {relation} add constraint {name} {} using index {anew}; commit",
        what.to_lowercase()
    );
    Some(Step { sql: [step.sql.clone(), vec![exchange]].concat(), ..step })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(kind: Kind, relation: &str, name: &str, definition: &str) -> Object {
        let [relation, name, definition] = [relation, name, definition].map(str::to_owned);
        Object { kind, relation, name, definition }
    }

    #[test]
    fn a_column_is_kept_from_being_empty_where_no_row_can_lack_it() {
        let wanted = [
            object(Kind::Table, "", "s.t", "unlogged"),
            object(Kind::Column, "s.t", "a", "text"),
            object(Kind::NotNull, "s.t", "a", ""),
            object(Kind::Column, "s.t", "b", "integer"),
            object(Kind::Default, "s.t", "b", "1"),
            object(Kind::NotNull, "s.t", "b", ""),
        ];
        let sql = |object: &Object| made(object, &wanted, "me").sql.concat();
        assert_eq!(
            sql(&wanted[0]),
            "create unlogged table s.t (\n    a text not null,\n    b integer default 1 not null\n)"
        );
        assert_eq!(sql(&wanted[1]), "alter table s.t add column a text");
        assert_eq!(sql(&wanted[3]), "alter table s.t add column b integer default 1 not null");
    }

    #[test]
    fn an_index_keeps_nobody_from_writing_and_a_policy_names_the_owner() {
        let index = object(Kind::Index, "s.t", "s.i", "CREATE UNIQUE INDEX i ON s.t USING btree (a)");
        let step = made(&index, &[], "me");
        assert_eq!(
            step.script(),
            "select 'drop index concurrently s.i' from pg_catalog.pg_index where indexrelid = to_regclass('s.i') \
             and indrelid = to_regclass('s.t') and not indisvalid \\gexec\n\
             CREATE UNIQUE INDEX CONCURRENTLY i ON s.t USING btree (a);\n"
        );
        let policy = object(Kind::Policy, "s.t", "p", "for all to {owner} using (true)");
        assert_eq!(
            made(&policy, &[], "me").sql.concat(),
            "create policy p on s.t for all to me using (true)"
        );
    }
}
