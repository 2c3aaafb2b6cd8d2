//! Every statement of both services against the migrated schema.

use crate::fixture::{Fixture, Layout};

#[tokio::test]
async fn every_statement_fits_the_schema() {
    let fixture = Fixture::start().await;
    for (name, sql) in identity::statements() {
        fixture.sql.prepare(sql).await.unwrap_or_else(|error| panic!("{name}: {error:?}"));
    }
    let [standard, single_table] = booking::statements();
    prepare_all(&fixture, &standard).await;
    let legacy = Fixture::start_in(Layout::ConfirmedOnly).await;
    prepare_all(&legacy, &single_table).await;
}

async fn prepare_all(fixture: &Fixture, statements: &[(&str, String)]) {
    assert!(statements.len() > 30);
    for (name, sql) in statements {
        assert!(!sql.contains('{'), "{name} has a gap: {sql}");
        fixture.sql.prepare(sql).await.unwrap_or_else(|error| panic!("{name}: {error:?}\n{sql}"));
        let bound = sql.contains("tenant_id = $1") || sql.contains("tenant_id, ");
        assert!(bound || *name == "feed_end", "{name} is not bound to a tenant: {sql}");
    }
}
