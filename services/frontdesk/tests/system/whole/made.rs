//! The files of what the migrations make are what the migrations make.

use std::path::Path;

use devdb::TestDatabase;
use pg::schema::{self, Drift, Service};

use crate::fixture::{Fixture, Layout};

const SERVICES: [&Service; 2] = [&identity::SCHEMA, &booking::SCHEMA];

#[tokio::test]
async fn the_files_of_what_the_migrations_make_are_current() {
    #[expect(clippy::disallowed_methods, reason = "asks for the files to be written: `make generate`")]
    let generate = std::env::var_os("FRONTDESK_GENERATE").is_some();
    for service in SERVICES {
        let database = TestDatabase::create(&[service.set]).await;
        let client = pg::connect(&database.url).await.unwrap();
        let made = schema::print(&schema::look(&client, service).await.unwrap().objects);
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../migrations");
        let file = folder.join(format!("{}.schema", service.set.name));
        if generate {
            std::fs::write(&file, &made).unwrap();
        }
        let kept = std::fs::read_to_string(&file).unwrap();
        assert!(kept == made, "{} is stale: run `make generate`", file.display());
        assert!(made.lines().filter(|line| line.contains(" | ")).count() > 100, "{made}");
    }
}

/// In every layout, with whatever the demo stores.
#[tokio::test]
async fn nothing_of_a_working_database_is_missing() {
    for layout in [Layout::Standard, Layout::Literal, Layout::ConfirmedOnly] {
        let fixture = Fixture::start_in(layout).await;
        for service in SERVICES {
            let drift = schema::drift(&fixture.sql, service).await.unwrap();
            assert!(matches!(drift, Drift::Current { .. }), "{drift:?}");
            assert_eq!(drift.missing(), Vec::<String>::new());
        }
    }
}
