//! Owners who may not make roles: what others have made for them is enough, and what is
//! missing is named as SQL.

// A test that cannot go on says where.
#![allow(clippy::unwrap_used, clippy::panic)]

use devdb::TestDatabase;
use pg::migrate::{self, MigrationSet};

static SET: MigrationSet = MigrationSet {
    name: "roled",
    history_table: "public.roled_history",
    migrations: &[(
        "V1__roles",
        "do $$\nbegin\n    create role roled nologin;\nexception\n    when duplicate_object then null;\nend\n$$;\n\
         do $$\nbegin\n    execute format('grant roled to %I', current_user);\nend\n$$;\n\
         do $$\nbegin\n    create role roled_more nologin;\nend\n$$;\n\
         alter role roled noinherit;\ngrant roled_more to roled;\ncreate table roled_rows (id int);\n\
         grant select on roled_rows to roled;",
    )],
};

static STUCK: MigrationSet = MigrationSet {
    name: "stuck",
    history_table: "public.stuck_history",
    migrations: &[(
        "V1__role",
        "do $$\nbegin\n    execute format('grant stuck_role to %I', current_user);\nend\n$$;",
    )],
};

#[tokio::test]
async fn roles_that_are_there_are_enough_and_missing_ones_are_sql_to_run() {
    let test = TestDatabase::create(&[]).await;
    let superuser = pg::connect(&test.url).await.unwrap();
    let name: String = superuser.query_one("select current_database()::text", &[]).await.unwrap().get(0);
    let owner = format!(
        "create role plain_owner login; alter database {name} owner to plain_owner; \
        grant create on schema public to plain_owner"
    );
    superuser.batch_execute(&owner).await.unwrap();
    let url = test.url.replace("user=frontdesk", "user=plain_owner");

    let said = migrate::up(&url, &[&SET]).await.unwrap_err().to_string();
    let (_, sql) = said.split_once("as a superuser run: ").unwrap();
    let (sql, _) = sql.split_once(" then run").unwrap();
    assert_eq!(
        sql,
        "create role roled nologin; grant roled to plain_owner; create role roled_more nologin; \
         alter role roled noinherit; grant roled_more to roled;"
    );
    superuser.batch_execute(sql).await.unwrap();
    assert_eq!(migrate::up(&url, &[&SET]).await.unwrap(), ["roled V1__roles"]);
    assert!(migrate::up(&url, &[&SET]).await.unwrap().is_empty());
    // As a superuser would have made it, with the same checksum.
    assert!(migrate::up(&test.url, &[&SET]).await.unwrap().is_empty());
}

/// PostgreSQL 16 and later: a member may be kept from switching to the role, as who made it
/// is, and then nothing of a service works.
#[tokio::test]
async fn a_grant_by_which_nobody_can_switch_to_the_role_is_none() {
    let test = TestDatabase::create(&[]).await;
    let superuser = pg::connect(&test.url).await.unwrap();
    let logins = "create role stuck_role nologin; create role stuck_owner login";
    superuser.batch_execute(logins).await.unwrap();
    let granted = superuser.batch_execute("grant stuck_role to stuck_owner with set false").await;
    let version: String = superuser.query_one("show server_version_num", &[]).await.unwrap().get(0);
    let is_told = version.parse::<u32>().unwrap() >= 160_000;
    assert_eq!(granted.is_ok(), is_told);
    let url = test.url.replace("user=frontdesk", "user=stuck_owner");
    let said = migrate::up(&url, &[&STUCK]).await.unwrap_err().to_string();
    let more = if is_told { " with set true" } else { "" };
    let grant = format!("grant stuck_role to stuck_owner{more};");
    assert!(said.contains(&format!("a superuser run: {grant} then run")), "{said}");
    let look = async || {
        let checks = pg::checks::checks(&url, &["stuck_role"], &[]);
        let roles = checks.into_iter().find(|check| check.name == "roles").unwrap();
        roles.run().await[0].found.clone()
    };
    assert_eq!(look().await, "the login role is not a member of stuck_role");
    superuser.batch_execute(&grant).await.unwrap();
    assert_eq!(look().await, "the login role is a member of stuck_role");
}

/// Staging and production on one server, each with an owner who may make roles. From
/// PostgreSQL 16 on that is no right to grant what the other one made: the second owner gets
/// the SQL, and goes on when somebody has run it.
#[tokio::test]
async fn two_owners_who_may_make_roles_share_a_server() {
    static SHARED: MigrationSet = MigrationSet {
        name: "shared",
        history_table: "public.shared_history",
        migrations: &[(
            "V1__roles",
            "do $$\nbegin\n    create role shared nologin;\nexception\n    when duplicate_object then null;\nend\n$$;\n\
             do $$\nbegin\n    execute format('grant shared to %I', current_user);\nend\n$$;\n\
             do $$\nbegin\n    create role shared_more nologin;\nexception\n    when duplicate_object then null;\nend\n$$;\n\
             alter role shared noinherit;\ngrant shared_more to shared;\ncreate table shared_rows (id int);\n\
             grant select on shared_rows to shared;",
        )],
    };
    let mut urls = Vec::new();
    let tests = [TestDatabase::create(&[]).await, TestDatabase::create(&[]).await];
    for (test, login) in tests.iter().zip(["first_owner", "second_owner"]) {
        let superuser = pg::connect(&test.url).await.unwrap();
        let name: String = superuser.query_one("select current_database()::text", &[]).await.unwrap().get(0);
        let owner = format!(
            "create role {login} login createrole; alter database {name} owner to {login}; \
             grant create on schema public to {login}"
        );
        superuser.batch_execute(&owner).await.unwrap();
        urls.push(test.url.replace("user=frontdesk", &format!("user={login}")));
    }
    let [first, second] = &urls[..] else { panic!("two") };
    let superuser = pg::connect(&tests[1].url).await.unwrap();
    let version: String = superuser.query_one("show server_version_num", &[]).await.unwrap().get(0);
    assert_eq!(migrate::up(first, &[&SHARED]).await.unwrap(), ["shared V1__roles"]);
    if version.parse::<u32>().unwrap() >= 160_000 {
        let said = migrate::up(second, &[&SHARED]).await.unwrap_err().to_string();
        let (_, sql) = said.split_once("as a superuser run: ").unwrap();
        let (sql, _) = sql.split_once(" then run").unwrap();
        // What the first one has made is there.
        assert_eq!(sql, "grant shared to second_owner;");
        superuser.batch_execute(sql).await.unwrap();
    }
    assert_eq!(migrate::up(second, &[&SHARED]).await.unwrap(), ["shared V1__roles"]);
    // Each is let in by what it was granted, and neither undoes the other's.
    for url in [first, second] {
        assert!(migrate::up(url, &[&SHARED]).await.unwrap().is_empty());
        let client = pg::connect(url).await.unwrap();
        client
            .batch_execute("begin; set local role shared; select from shared_rows; rollback")
            .await
            .unwrap();
    }
}
