use super::*;
use crate::migrate::MigrationSet;

static SET: MigrationSet = MigrationSet { name: "test", history_table: "s.h", migrations: &[] };

fn service() -> Service {
    Service {
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
    }
}

fn of(live: &str) -> Vec<(String, Weight, Result<String, String>)> {
    let service = service();
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
policy | s.t | p
    for all to {owner}
constraint | s.t | apart
    EXCLUDE (a)
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
        "create policy p on s.t for all to me",
        "CREATE TRIGGER g",
        "drop policy if exists repair_sees_rows on s.t; create policy repair_sees_rows on s.t",
        "alter table s.t add constraint pk PRIMARY KEY",
        "alter table s.t add constraint apart EXCLUDE (a)",
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
fn a_function_that_is_closed_stays_open_to_those_who_have_a_grant() {
    let [(found, _, cure)] = of(&MADE.replace("closed function |  | s.g()\n", "")).try_into().unwrap();
    assert!(found.contains("s.g()"), "{found}");
    let cure = cure.unwrap();
    assert_eq!(cure, "revoke execute on function s.g() from public;\ngrant execute on function s.g() to r");
}

/// What is put in place of what, what is found, and what mends it.
const ANOTHER: [(&str, &str, &str, Weight, Option<&str>); 14] = [
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
        Some(
            "CREATE UNIQUE INDEX CONCURRENTLY pk_anew ON s.t USING btree (a); \
             begin; set local lock_timeout = '5s'; alter table s.t drop constraint pk; \
             alter table s.t add constraint pk primary key using index pk_anew; commit",
        ),
    ),
    ("    EXCLUDE (a)", "    EXCLUDE (b)", "constraint s.t.apart is EXCLUDE (b)", Weight::Light, None),
    (
        "    for all to {owner}",
        "    for all to public",
        "policy s.t.p is for all to public",
        Weight::Grave,
        Some("drop policy p on s.t; create policy p on s.t for all to me"),
    ),
    (
        "index | s.t | s.u\n    CREATE UNIQUE INDEX u ON s.t (a)\n",
        "",
        "index s.u of table s.t is missing",
        Weight::Grave,
        Some("CREATE UNIQUE INDEX CONCURRENTLY u ON s.t (a)"),
    ),
];

#[test]
fn what_is_another_is_named_and_made_again_or_kept() {
    for (made, live, found, weight, cure) in ANOTHER {
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
    let more: Vec<String> = of(&MADE.replace("update (a)", "update")).into_iter().map(|one| one.0).collect();
    assert_eq!(more, ["grant to r: update on s.t is more than the migrations give"]);
}

/// What it did not fill meanwhile is filled.
#[test]
fn a_trigger_that_is_another_is_made_again_and_rows_get_what_they_lack() {
    let found = of(&MADE.replace("    CREATE TRIGGER g", "    CREATE TRIGGER g other"));
    let how: Vec<_> = found.iter().map(|(found, weight, cure)| (&**found, *weight, cure.is_ok())).collect();
    assert_eq!(
        how,
        [
            ("trigger s.t.g is CREATE TRIGGER g other", Weight::Grave, true),
            ("what was stored without the trigger s.t.g may lack something", Weight::Light, true),
        ]
    );
    assert_eq!(found[0].2.as_deref(), Ok("drop trigger g on s.t; CREATE TRIGGER g"));
}

/// A role that bypasses row-level security sees every tenant's rows; what else a role may
/// do is reported.
#[test]
fn a_role_is_brought_back_to_what_it_may() {
    for (made, live, weight, cure) in [
        ("", "    superuser\n", Weight::Grave, "alter role r nosuperuser"),
        (
            "",
            "    noinherit bypassrls createdb\n",
            Weight::Grave,
            "alter role r inherit nobypassrls nocreatedb",
        ),
        ("    noinherit\n", "", Weight::Grave, "alter role r noinherit"),
        ("", "    createrole replication\n", Weight::Light, "alter role r nocreaterole noreplication"),
    ] {
        let object = |definition: &str| parse(&format!("role |  | r\n{definition}")).remove(0);
        let one = altered(&object(made), &object(live), &[], "me");
        assert_eq!((one.weight, &*one.cure.unwrap().sql[0]), (weight, cure), "{live}");
    }
    let membership = |definition: &str| parse(&format!("membership | g | r\n{definition}")).remove(0);
    let inherits = altered(&membership(""), &membership("    inherits\n"), &[], "me");
    assert_eq!(inherits.weight, Weight::Grave);
    assert_eq!(inherits.cure.unwrap().sql, ["grant g to r with inherit false"]);
}

/// A key that others refer to goes with them, which nobody does unasked; what a rule refuses
/// is for other programs to say, so a repair can leave it out.
#[test]
fn what_a_repair_does_not_do_unasked_has_its_statement() {
    let wanted = parse(&format!("{MADE}constraint | s.v | fk\n    FOREIGN KEY (a) REFERENCES s.t(a)\n"));
    let key = wanted.iter().find(|one| one.name == "pk").unwrap();
    let by_hand =
        altered(key, &Object { definition: "PRIMARY KEY (b)".to_owned(), ..key.clone() }, &wanted, "me");
    let told = by_hand.cure.unwrap_err();
    assert!(
        told.contains("`alter table s.t drop constraint pk cascade, add constraint pk PRIMARY KEY (a)`"),
        "{told}"
    );
    for (lost, word) in [
        ("constraint | s.t | may_be\n    CHECK ((b > 0))\n", "s.t.may_be"),
        ("not null | s.t | b\n", "s.t.b"),
    ] {
        let service = service();
        let live = Live { objects: parse(&MADE.replace(lost, "")), owner: "me".to_owned() };
        for one in differences(&service, &live) {
            assert_eq!((one.weight, one.left_by.as_deref()), (Weight::Light, Some(word)), "{}", one.found);
        }
    }
}
