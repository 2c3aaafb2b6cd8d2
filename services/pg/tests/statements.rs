//! Named statements against a real server: declared, compiled, run, read, pasted.

// A test that cannot go on says where.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::io::Write;
use std::process::{Command, Stdio};
use std::sync::Arc;

use devdb::TestDatabase;
use jiff::Timestamp;
use jiff::civil::{Date, date};
use pg::{Columns, Database, Fault, Kind, PoolOptions, Shown, Statements};
use uuid::Uuid;

mod store {
    use super::*;

    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub struct ThingId(pub Uuid);

    pg::newtypes!(ThingId(Uuid));

    pg::statements! {
        /// Stores a thing.
        InsertThing<'a> = "insert_thing" (
            tenant: Uuid, id: ThingId, made_at: Timestamp, due: Option<Date>, size: i64, data: &'a [u8],
            tags: &'a [&'a str], note: &'a str,
        );
        ListThings<'a> = "list_things" (
            tenant: Uuid, after: ThingId, due_from: Option<Date>, notes: Option<&'a [String]>, limit: i64,
        );
        MarkThing<'a> = "standard/mark_thing" | "single/mark_thing" (tenant: Uuid, id: ThingId, note: &'a str);
    }

    pub fn statements(layout: usize) -> Statements {
        let declarations = STATEMENTS.iter().copied();
        Statements::of_layout(declarations, layout, 2, |_, text| text.replace("{things}", "things")).unwrap()
    }
}
use store::{InsertThing, ListThings, MarkThing, ThingId};

const TENANT: Uuid = Uuid::from_u128(7);

#[derive(Debug, PartialEq)]
struct Thing {
    id: ThingId,
    made_at: Timestamp,
    due: Option<Date>,
    size: i64,
    data: Vec<u8>,
    tags: Vec<String>,
    note: String,
}

fn thing(row: &mut Columns<'_>) -> Result<Thing, Fault> {
    Ok(Thing {
        id: row.next("id")?,
        made_at: row.next("made_at")?,
        due: row.next("due")?,
        size: row.next("size")?,
        data: row.next("data")?,
        tags: row.next("tags")?,
        note: row.next("note")?,
    })
}

async fn database() -> (Database, TestDatabase) {
    let test = TestDatabase::create(&[]).await;
    let owner = pg::connect(&test.url).await.unwrap();
    let table = "create table things (tenant_id uuid, id uuid primary key, made_at timestamptz, due date, \
        size bigint, data bytea, tags text[], note text)";
    owner.batch_execute(table).await.unwrap();
    let options =
        PoolOptions { url: test.url.clone(), role: "frontdesk", application_name: "test", max_size: 2 };
    (Database::new(options).unwrap().with(Arc::new(store::statements(0))), test)
}

async fn insert(database: &Database, id: u128, due: Option<Date>, note: &str) {
    let statement = InsertThing {
        tenant: TENANT,
        id: ThingId(Uuid::from_u128(id)),
        made_at: Timestamp::UNIX_EPOCH,
        due,
        size: 1 << 40,
        data: &[0, 255],
        tags: &["a", "b"],
        note,
    };
    let rows = database.run(TENANT, &statement).await.unwrap();
    assert_eq!(rows.len(), 1);
}

#[tokio::test]
async fn values_go_in_by_name_and_come_out_by_number() {
    let (database, _test) = database().await;
    insert(&database, 1, None, "one").await;
    let list =
        ListThings { tenant: TENANT, after: ThingId(Uuid::nil()), due_from: None, notes: None, limit: 9 };
    let rows = database.run(TENANT, &list).await.unwrap();
    let expected = Thing {
        id: ThingId(Uuid::from_u128(1)),
        made_at: Timestamp::UNIX_EPOCH,
        due: None,
        size: 1 << 40,
        data: vec![0, 255],
        tags: vec!["a".to_owned(), "b".to_owned()],
        note: "one".to_owned(),
    };
    assert_eq!(Columns::all(&rows, thing).unwrap(), [expected]);
}

#[tokio::test]
async fn a_filter_without_a_value_is_not_in_the_statement() {
    let (database, _test) = database().await;
    for (id, due, note) in
        [(1, None, "one"), (2, Some(date(2026, 5, 1)), "two"), (3, Some(date(2026, 6, 1)), "one")]
    {
        insert(&database, id, due, note).await;
    }
    let found = async |due_from, notes: Option<&[String]>| {
        let list = ListThings { tenant: TENANT, after: ThingId(Uuid::nil()), due_from, notes, limit: 9 };
        let rows = database.run_global(&list).await.unwrap();
        Columns::all(&rows, |row| row.next::<Uuid>("id"))
            .unwrap()
            .iter()
            .map(Uuid::as_u128)
            .collect::<Vec<_>>()
    };
    let one = ["one".to_owned()];
    assert_eq!(found(None, None).await, [1, 2, 3]);
    assert_eq!(found(Some(date(2026, 5, 2)), None).await, [3]);
    assert_eq!(found(None, Some(&one)).await, [1, 3]);
    assert_eq!(found(Some(date(2026, 5, 1)), Some(&one)).await, [3]);
    assert_eq!(database.statements().named("list_things").unwrap().forms().count(), 4);
}

#[tokio::test]
async fn the_last_statement_commits_in_the_layout_of_the_database() {
    let (database, _test) = database().await;
    insert(&database, 1, None, "one").await;
    let mark = MarkThing { tenant: TENANT, id: ThingId(Uuid::from_u128(1)), note: "marked" };
    let other = database.with(Arc::new(store::statements(1)));
    let tx = other.begin(TENANT).await.unwrap();
    let rows = tx.run_last(&mark).await.unwrap();
    assert_eq!(Columns::first(&rows, |row| row.next::<String>("note")).unwrap().unwrap(), "one");
    let tx = database.begin(TENANT).await.unwrap();
    assert!(tx.run_opt(&mark).await.unwrap().is_some());
    tx.commit().await.unwrap();
    let rows = other.run(TENANT, &mark).await.unwrap();
    assert_eq!(Columns::first(&rows, |row| row.next::<String>("note")).unwrap().unwrap(), "marked");
}

#[tokio::test]
async fn columns_that_are_not_as_expected_are_drift_and_named() {
    let (database, _test) = database().await;
    let tx = database.begin_global().await.unwrap();
    let rows = tx.run_text("select true as size, 'odd' as state", &[]).await.unwrap();
    let drift = |fault: Fault, expected: &str| match fault.kind() {
        Kind::SchemaDrift { object } => assert_eq!(object, expected),
        other => panic!("{other:?}"),
    };
    let mut row = Columns::of(&rows[0]);
    drift(row.next::<i64>("size").unwrap_err(), "column size of the expected type");
    let known = |word: &str| (word == "even").then_some(());
    drift(row.word("state", known).unwrap_err(), "state odd, which this version does not know");
    drift(row.next::<i32>("none").unwrap_err(), "column none of the expected type");
    drift(Columns::of(&rows[0]).next::<i32>("length").unwrap_err(), "column length of the expected type");
}

#[tokio::test]
async fn what_a_row_cannot_show_is_empty_or_leaves_it_out() {
    let (database, _test) = database().await;
    let tx = database.begin_global().await.unwrap();
    let query = "select * from (values (1::bigint, 'infinity'::date), (null, '2026-01-01'), (5000000000, null)) \
        as odd (size, day)";
    let rows = tx.run_text(query, &[]).await.unwrap();
    let sizes = Columns::all(&rows, |row| row.or_empty::<i32>("size")).unwrap();
    assert_eq!(sizes, [1, 0, 0]);
    let shown = Columns::shown(&rows, |row| {
        row.or_empty::<i32>("size")?;
        row.next::<Date>("day")
    });
    let Shown { rows: days, left_out } = shown.unwrap();
    assert_eq!((days.len(), days[0], left_out), (2, Date::MAX, vec![2]));
    let unreadable = Columns::of(&rows[1]).next::<i32>("size").unwrap_err();
    assert_eq!(*unreadable.kind(), Kind::Unreadable { column: "size".to_owned(), what: "is missing" });
    assert!(Columns::of(&rows[2]).next::<i32>("size").is_err());
}

#[tokio::test]
async fn a_statement_that_is_not_in_the_list_is_an_error() {
    let (database, _test) = database().await;
    let bare = database.with(Arc::default());
    let mark = MarkThing { tenant: TENANT, id: ThingId(Uuid::nil()), note: "" };
    assert_eq!(bare.run(TENANT, &mark).await.unwrap_err().kind(), &Kind::Other);
}

#[tokio::test]
async fn every_statement_can_be_pasted_into_psql_and_changes_nothing() {
    let (database, test) = database().await;
    for statement in database.statements().iter() {
        let mut psql = Command::new("psql")
            .args(["-X", "-v", "ON_ERROR_STOP=1", &test.url])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        write!(psql.stdin.take().unwrap(), "{}", statement.for_psql()).unwrap();
        assert!(psql.wait().unwrap().success(), "{}", statement.for_psql());
    }
    let tx = database.begin_global().await.unwrap();
    let rows = tx.run_text("select from things", &[]).await.unwrap();
    assert!(rows.is_empty());
}
