//! What a database lacks of what it should have, and what mends it. Decides; runs
//! nothing.

use super::altered::altered;
use super::besides::besides;
use super::difference::{Difference, LAST, Weight, order};
use super::look::Live;
use super::object::{Kind, Object, parse};
use super::same::same;
use super::service::{Afterwards, Service};
use super::statements::{Step, is_validated_later, made, unvalidated, validated};

/// The differences, in an order in which they can be mended.
pub fn differences(service: &Service, live: &Live) -> Vec<Difference> {
    let wanted = (service.adapt)(parse(service.made), &live.objects);
    let missing: Vec<&Object> = wanted.iter().filter(|one| !is_there(&live.objects, one)).collect();
    // Where no row is, a rule holds at once.
    let is_new = |table: &str| missing.iter().any(|one| one.kind == Kind::Table && one.name == table);
    let has_rows = |one: &Object| is_validated_later(one) && !is_new(&one.relation);
    let lost =
        missing.iter().filter(|one| !comes_with_another(one, &wanted, &missing)).map(|one| Difference {
            found: format!("{} is missing", one.label()),
            weight: if (service.optional)(one) || is_slow_without(one) {
                Weight::Light
            } else {
                Weight::Grave
            },
            cure: match (service.choice)(one) {
                Some(choice) => Err(choice),
                None if has_rows(one) => Ok(unvalidated(one)),
                None => Ok(made(one, &wanted, &live.owner)),
            },
            order: order(one),
        });
    let mut found: Vec<Difference> = lost.collect();
    found.extend(missing.iter().copied().filter(|one| has_rows(one)).map(|one| Difference {
        found: format!("what was stored without the {} may break it", one.label()),
        weight: Weight::Light,
        cure: Ok(validated(one)),
        order: LAST,
    }));
    found.extend(service.afterwards.iter().filter_map(|after| afterwards(after, &missing)));
    for object in &wanted {
        let stored = live.objects.iter().find(|one| one.is(object));
        let differs = |stored: &&Object| match object.kind {
            // Is kept as it was written.
            Kind::Function => stored.definition != object.definition,
            _ => !same(&stored.definition, &object.definition),
        };
        let other = stored.filter(differs);
        found.extend(other.map(|other| altered(object, other)));
    }
    found.extend(besides(service, &wanted, live));
    found.sort_by_key(|one| one.order);
    found
}

/// Whether it is there, whatever its definition. Who may do something to a table may do
/// it to each of its columns.
fn is_there(live: &[Object], object: &Object) -> bool {
    let of_table = object.definition.split_once(" (").map(|(privilege, _)| privilege);
    let covers = |one: &Object| {
        object.kind == Kind::Grant
            && one.kind == Kind::Grant
            && (&one.relation, &one.name) == (&object.relation, &object.name)
            && Some(&*one.definition) == of_table
    };
    live.iter().any(|one| one.is(object) || covers(one))
}

/// Whether everything is right without it, and slow.
fn is_slow_without(object: &Object) -> bool {
    object.kind == Kind::Index && !object.definition.starts_with("CREATE UNIQUE ")
}

/// Whether what makes another object that is missing makes this one, too.
fn comes_with_another(object: &Object, wanted: &[Object], missing: &[&Object]) -> bool {
    let beside = |kind: Kind| {
        let same = move |one: &Object| {
            one.kind == kind && one.relation == object.relation && one.name == object.name
        };
        (wanted.iter().any(same), missing.iter().any(|one| same(one)))
    };
    let no_table = missing.iter().any(|one| one.kind == Kind::Table && one.name == object.relation);
    match object.kind {
        Kind::Column => no_table,
        Kind::Default => no_table || beside(Kind::Column).1,
        // Rows that are there have no value yet, unless the column brings one.
        Kind::NotNull => no_table || beside(Kind::Column).1 && beside(Kind::Default).0,
        Kind::TriggerFires => beside(Kind::Trigger).1,
        Kind::ClosedFunction => beside(Kind::Function).1,
        // Everybody may run it, unless it is closed.
        Kind::GrantOnFunction => {
            let of_function =
                |kind: Kind| move |one: &Object| one.kind == kind && one.name == object.relation;
            missing.iter().any(|one| of_function(Kind::Function)(one))
                && !wanted.iter().any(of_function(Kind::ClosedFunction))
        }
        _ => false,
    }
}

/// What rows lack that were written while an object was missing.
fn afterwards(after: &'static Afterwards, missing: &[&Object]) -> Option<Difference> {
    let Afterwards { of, table, sql } = after;
    let concerned =
        missing.iter().find(|one| of.contains(&(one.kind, one.relation.as_str(), one.name.as_str())))?;
    Some(Difference {
        found: format!("what was stored without the {} may lack something", concerned.label()),
        weight: Weight::Light,
        cure: Ok(Step::on_every_row(table, sql)),
        order: (Kind::TriggerFires, 1),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::migrate::MigrationSet;

    static SET: MigrationSet = MigrationSet { name: "test", history_table: "s.h", migrations: &[] };

    fn of(live: &str) -> Vec<(String, Weight, Result<String, String>)> {
        let service = Service {
            set: &SET,
            schema: "s",
            role: "r",
            made: MADE,
            adapt: |made, _| made,
            optional: |one| one.name == "may_be",
            choice: |_| None,
            afterwards: &[Afterwards {
                of: &[(Kind::Trigger, "s.t", "g")],
                table: "s.t",
                sql: "update s.t set a = a",
            }],
        };
        let live = Live { objects: parse(live), owner: "me".to_owned() };
        let found = differences(&service, &live).into_iter();
        found.map(|one| (one.found, one.weight, one.cure.map(|step| step.sql.join("; ")))).collect()
    }

    const MADE: &str = "sequence |  | s.q
    as bigint cache 1
function |  | s.f()
    create function f
function |  | s.g()
    create function g
closed function |  | s.g()
table |  | s.t
column | s.t | a
    text
column | s.t | b
    integer
column | s.t | c
    integer generated always as (b) stored
default | s.t | b
    1
not null | s.t | b
trigger | s.t | g
    CREATE TRIGGER g
trigger that fires | s.t | g
constraint | s.t | fk
    FOREIGN KEY (a) REFERENCES s.u(a)
constraint | s.t | pk
    PRIMARY KEY (a)
constraint | s.t | may_be
    CHECK ((b > 0))
index | s.t | s.u
    CREATE UNIQUE INDEX u ON s.t (a)
grant on function | s.f() | r
    execute
grant on function | s.g() | r
    execute
grant | s.t | r
    update (a)
";

    #[test]
    fn what_was_made_has_no_difference_and_nothing_has_every_one_in_order() {
        assert_eq!(of(MADE), []);
        let sql: Vec<String> = of("").into_iter().map(|(_, _, cure)| cure.unwrap()).collect();
        let begins = [
            "create sequence s.q as bigint cache 1",
            "create function f",
            "create function g;\nrevoke execute on function s.g() from public",
            "create table s.t (\n    a text,\n    b integer default 1 not null,\n    c integer generated",
            "CREATE TRIGGER g",
            "drop policy if exists repair_sees_rows on s.t; create policy repair_sees_rows on s.t",
            "alter table s.t add constraint pk PRIMARY KEY",
            "alter table s.t add constraint may_be CHECK ((b > 0))",
            "alter table s.t add constraint fk FOREIGN KEY",
            "CREATE UNIQUE INDEX CONCURRENTLY u ON s.t",
            "grant execute on function s.g() to r",
            "grant update (a) on s.t to r",
        ];
        assert_eq!(sql.len(), begins.len(), "{sql:?}");
        for (sql, begin) in sql.iter().zip(begins) {
            assert!(sql.starts_with(begin), "{sql} does not begin with {begin}");
        }
    }

    #[test]
    fn what_is_another_is_named_and_kept() {
        for (made, live, found, weight, cure) in [
            (
                "column | s.t | b\n    integer",
                "column | s.t | b\n    jsonb",
                "column s.t.b is jsonb",
                Weight::Grave,
                None,
            ),
            (
                "column | s.t | a\n    text",
                "column | s.t | a\n    character varying(9)",
                "column s.t.a is",
                Weight::Light,
                None,
            ),
            (
                "    PRIMARY KEY (a)",
                "    PRIMARY KEY (a) NOT VALID",
                "constraint s.t.pk is not known to hold for every row",
                Weight::Light,
                Some("alter table s.t validate constraint pk"),
            ),
            ("    CREATE TRIGGER g", "    CREATE TRIGGER g other", "trigger s.t.g is", Weight::Grave, None),
            (
                "CREATE UNIQUE INDEX u ON s.t (a)",
                "CREATE INDEX u ON s.t (a)",
                "index s.u of table s.t is CREATE INDEX",
                Weight::Grave,
                Some(
                    "CREATE UNIQUE INDEX CONCURRENTLY u_anew ON s.t (a); \
                     begin; set local lock_timeout = '5s'; drop index s.u; alter index s.u_anew rename to u; commit",
                ),
            ),
            (
                "CREATE UNIQUE INDEX u ON s.t (a)",
                "CREATE UNIQUE INDEX u ON s.t (a) NOT VALID",
                "index s.u of table s.t is not finished",
                Weight::Light,
                Some("reindex index concurrently s.u"),
            ),
            (
                "    as bigint cache 1",
                "    as bigint cache 9",
                "sequence s.q is as bigint cache 9",
                Weight::Grave,
                Some("alter sequence s.q as bigint cache 1"),
            ),
            ("table |  | s.t", "table |  | s.t\n    unlogged", "table s.t is unlogged", Weight::Grave, None),
            (
                "    integer generated always as (b) stored",
                "    integer",
                "column s.t.c is integer",
                Weight::Grave,
                None,
            ),
            (
                "    1\n",
                "    2\n",
                "default of column s.t.b is 2",
                Weight::Light,
                Some("alter table s.t alter column b set default 1"),
            ),
            (
                "    CHECK ((b > 0))",
                "    CHECK ((b > 9))",
                "constraint s.t.may_be is CHECK ((b > 9))",
                Weight::Light,
                Some(
                    "alter table s.t drop constraint may_be, add constraint may_be CHECK ((b > 0)) not valid; \
                     alter table s.t validate constraint may_be",
                ),
            ),
            (
                "    PRIMARY KEY (a)",
                "    PRIMARY KEY (b)",
                "constraint s.t.pk is PRIMARY KEY (b)",
                Weight::Light,
                None,
            ),
            (
                "index | s.t | s.u\n    CREATE UNIQUE INDEX u ON s.t (a)\n",
                "",
                "index s.u of table s.t is missing",
                Weight::Grave,
                Some("CREATE UNIQUE INDEX CONCURRENTLY u ON s.t (a)"),
            ),
        ] {
            let differences = of(&MADE.replace(made, live));
            let [(named, how, mended)] = &differences[..] else { panic!("{differences:?}") };
            assert!(named.starts_with(found), "{named}");
            assert_eq!((*how, mended.as_ref().ok().map(String::as_str)), (weight, cure), "{named}");
        }
        let without = of(&MADE.replace("constraint | s.t | may_be\n    CHECK ((b > 0))\n", ""));
        let how: Vec<_> = without.into_iter().map(|(_, weight, cure)| (weight, cure.unwrap())).collect();
        let cures = [
            "alter table s.t add constraint may_be CHECK ((b > 0)) not valid",
            "alter table s.t validate constraint may_be",
        ];
        assert_eq!(how, cures.map(|cure| (Weight::Light, cure.to_owned())), "rows may break it");
    }

    #[test]
    fn a_right_to_a_table_covers_its_columns_and_is_told() {
        let more: Vec<String> =
            of(&MADE.replace("update (a)", "update")).into_iter().map(|one| one.0).collect();
        assert_eq!(more, ["grant to r: update on s.t is more than the migrations give"]);
    }
}
