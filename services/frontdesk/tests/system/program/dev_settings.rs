//! Settings that `frontdesk dev` reads as the roles do.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use frontdesk::demo;
use serde_json::json;

use super::run::{Dev, Exports, FREE, Folder, dev, exports, wait_for};
use crate::fixture::Answer;
use crate::identity::trusted_issuers::{SECRET, claims, hs256};

#[tokio::test]
async fn dev_reads_trusted_issuers_and_proxies_and_says_where_letters_are() {
    let folder = Folder::new("trusted");
    let issuer = "https://secret.example";
    let issuers = json!([
        {"issuer": issuer, "audience": "theirs", "hs256_secret": SECRET, "subjects_are_user_ids": true}
    ]);
    let issuers = issuers.to_string();
    let env = [
        ("TRUSTED_ISSUERS", &*issuers),
        ("TRUSTED_PROXIES", "127.0.0.0/8"),
        ("TRUSTED_PROXY_HEADER", "forwarded"),
    ];
    let mut command = dev(folder.path(), &["--gateway", FREE], &env);
    let mut child = Dev(command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap());
    wait_for(|| exports(folder.path()).status.success());
    let exported = Exports::of(folder.path());
    let gateway = exported.value("API_BASE_URL");
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let me = http.get(format!("{gateway}/v1/me")).bearer_auth(hs256(&claims(issuer)));
    assert_eq!(Answer::of(me).await.ok()["user"]["email"], demo::MANAGER);

    let login = json!({"email": demo::MANAGER, "password": demo::PASSWORD});
    let login = http.post(format!("{gateway}/v1/auth/login")).json(&login);
    let login = login.header("forwarded", "for=203.0.113.9").header("x-forwarded-for", "6.6.6.6");
    Answer::of(login).await.ok();
    let sql = pg::connect(&exported.value("DATABASE_URL")).await.unwrap();
    let from = "select address from identity.audit_events where action = 'login'";
    let from: String = sql.query_one(from, &[]).await.unwrap().get(0);
    assert_eq!(from, "203.0.113.9");

    // A letter is where the start says.
    let forgotten = http.post(format!("{gateway}/v1/auth/recovery")).json(&json!({"email": demo::MANAGER}));
    Answer::of(forgotten).await.ok();
    let lines = BufReader::new(child.0.stdout.take().unwrap()).lines();
    let mut lines = lines.map(Result::unwrap);
    let named = lines.find_map(|line| line.trim().strip_prefix("Mail ").map(str::to_owned)).unwrap();
    let named = named.trim().strip_prefix("files in ").unwrap().split(',').next().unwrap().to_owned();
    wait_for(|| std::fs::read_dir(&named).is_ok_and(|mut files| files.next().is_some()));
    assert!(child.signal("-INT").success());
}
