//! The logins that `deploy/database.sql` makes: each service has its own, and whoever takes over
//! one has nothing of the other. One login for both works, too, and doctor says what it opens.

use std::process::{Output, Stdio};

use frontdesk::demo;
use reqwest::Client;
use serde_json::{Value as Json, json};

use super::doctor::{Finding, assert_well, named};
use super::run::{Dev, assert_one_sentence, free, frontdesk, quoted, text};
use crate::cluster::Cluster;
use crate::fixture::{Answer, MASTER_KEY, case, path_of};
use crate::whole::backups::{seeded, url_of};

const IDENTITY: &str = "frontdesk_identity_login";
const BOOKING: &str = "frontdesk_booking_login";

/// The three roles, each as its file in `deploy/` starts it.
struct Roles {
    _running: Vec<Dev>,
    identity: String,
    booking: String,
    gateway: String,
}

impl Roles {
    fn start(cluster: &Cluster, of_identity: &str, of_booking: &str) -> Self {
        let [identity, booking, gateway] = [(); 3].map(|()| free());
        let (master_key, url) = (MASTER_KEY.repeat(32), |login| url_of(cluster, login, "frontdesk"));
        let (of_identity, of_booking) = (url(of_identity), url(of_booking));
        let start = |role, env: &[(&str, &str)]| {
            let mut command = frontdesk(&[role], env);
            Dev(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
        };
        let (at_identity, at_booking) = (("IDENTITY_ADDR", &*identity), ("BOOKING_ADDR", &*booking));
        let sealed = ("FRONTDESK_MASTER_KEY", &*master_key);
        let running = vec![
            start("identity", &[("DATABASE_URL", &of_identity), ("IDENTITY_LISTEN", &identity), sealed]),
            start("booking", &[("DATABASE_URL", &of_booking), ("BOOKING_LISTEN", &booking), at_identity]),
            start("gateway", &[("GATEWAY_LISTEN", &gateway), at_identity, at_booking]),
        ];
        Self { _running: running, identity, booking, gateway }
    }

    /// Signs in and approves a request.
    async fn approve(&self, request: &str) {
        let client = Client::builder().no_proxy().build().unwrap();
        let url = |path: &str| format!("http://{}{path}", self.gateway);
        crate::waits::until_so("all are ready", async || {
            client.get(url("/readyz")).send().await.is_ok_and(|answer| answer.status().is_success())
        })
        .await;
        let login = json!({"email": demo::MANAGER, "password": demo::PASSWORD});
        let login = Answer::of(client.post(url("/v1/auth/login")).json(&login)).await;
        let token = login.ok()["access"].as_str().unwrap().to_owned();
        let approve = client.post(url(&path_of(case(request), "/approve"))).bearer_auth(token);
        assert_eq!(Answer::of(approve.json(&json!({}))).await.ok()["outcome"], "approved");
    }
}

fn run(url: &str, args: &[&str], more: &[(&str, &str)]) -> Output {
    frontdesk(args, &[&[("DATABASE_URL", url)], more].concat()).output().unwrap()
}

/// What doctor says of a system by a login.
fn doctor(url: &str, roles: &Roles) -> Vec<Finding> {
    let master_key = MASTER_KEY.repeat(32);
    let gateway = format!("http://{}", roles.gateway);
    let settings = [
        ("FRONTDESK_MASTER_KEY", &*master_key),
        ("IDENTITY_ADDR", &roles.identity),
        ("BOOKING_ADDR", &roles.booking),
        ("API_BASE_URL", &gateway),
    ];
    let output = run(url, &["doctor", "--json"], &settings);
    let report: Json = serde_json::from_slice(&output.stdout).unwrap();
    serde_json::from_value(report["checks"].clone()).unwrap()
}

async fn refuses(cluster: &Cluster, login: &str, statements: &[&str]) {
    let session = pg::connect(&url_of(cluster, login, "frontdesk")).await.unwrap();
    for statement in statements {
        let refused = session.batch_execute(statement).await.unwrap_err();
        assert_eq!(refused.code().unwrap().code(), "42501", "{login}: {statement}: {refused:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_service_works_with_its_own_login_and_that_has_nothing_of_the_other() {
    access::install_crypto();
    let cluster = seeded().await;
    let roles = Roles::start(&cluster, IDENTITY, BOOKING);
    roles.approve("REQUESTED").await;
    let of_identity = [
        "set role frontdesk_identity",
        "select id from identity.users",
        "select secret_sealed from identity.factors",
        "set role frontdesk_owner",
    ];
    refuses(&cluster, BOOKING, &of_identity).await;
    let of_booking = [
        "set role frontdesk_booking",
        "set role frontdesk_booking_feed",
        "set role frontdesk_booking_sweeper",
        "select id from booking_requests",
        "set role frontdesk_owner",
    ];
    refuses(&cluster, IDENTITY, &of_booking).await;

    // Doctor looks at what each login sees; the owner's sees all.
    for (login, its, others) in
        [(IDENTITY, "frontdesk_identity", "feed of events"), (BOOKING, "frontdesk_booking", "signing key")]
    {
        let findings = doctor(&url_of(&cluster, login, "frontdesk"), &roles);
        assert_well(&findings);
        named(&findings, "roles", &format!("a member of {its} alone"));
        assert_eq!(named(&findings, others, "another service").state, "left out");
    }
    let findings = doctor(&url_of(&cluster, "frontdesk_owner", "frontdesk"), &roles);
    assert_well(&findings);
    named(&findings, "roles", "a member of frontdesk_identity and frontdesk_booking");
    assert!(findings.iter().all(|one| !one.found.contains("another service")), "{findings:#?}");
}

/// Before, `deploy/database.sql` made one login for both.
#[tokio::test(flavor = "multi_thread")]
async fn one_login_for_both_services_works_and_doctor_says_what_it_opens() {
    access::install_crypto();
    let cluster = seeded().await;
    let shared = "create role shared login in role frontdesk_identity, frontdesk_booking";
    let sql = cluster.sql("frontdesk").await;
    sql.batch_execute(shared).await.unwrap();
    let roles = Roles::start(&cluster, "shared", "shared");
    roles.approve("REQUESTED").await;
    let url = url_of(&cluster, "shared", "frontdesk");
    let findings = doctor(&url, &roles);
    let told = named(&findings, "roles", "has the tables of the other, too");
    assert_eq!(told.state, "warning");
    for cure in quoted(&told.fix) {
        sql.batch_execute(&cure).await.unwrap_or_else(|error| panic!("{cure}: {error:?}"));
    }
    assert_eq!(named(&doctor(&url, &roles), "roles", "is not a member of").state, "FAILED");
}

/// Commands on users and tenants need identity's part alone, and those on what a tenant lets
/// both: the owner has both, and is named to whoever has not.
#[tokio::test(flavor = "multi_thread")]
async fn operator_commands_and_migrations_work_with_the_owners_login() {
    access::install_crypto();
    let cluster = seeded().await;
    let url = |login| url_of(&cluster, login, "frontdesk");
    let ok = |login, args: &[&str]| {
        let output = run(&url(login), args, &[]);
        assert!(output.status.success(), "{login}: {args:?}: {}", text(&output.stderr));
    };
    let house = ["property", "create", "alpine", "Barn", "--time-zone", "Europe/Berlin", "--max-guests", "4"];
    ok(IDENTITY, &["user", "list"]);
    ok(IDENTITY, &["tenant", "create", "coast"]);
    for args in
        [&["user", "list"][..], &["tenant", "list"], &house, &["migrate", "up"], &["migrate", "status"]]
    {
        ok("frontdesk_owner", args);
    }
    for (login, args, role) in [
        (IDENTITY, &house[..], "frontdesk_booking"),
        (BOOKING, &house, "frontdesk_identity"),
        (BOOKING, &["user", "list"], "frontdesk_identity"),
    ] {
        assert_one_sentence(&run(&url(login), args, &[]), 1, &[role, "the owner of the schema"]);
    }
}
