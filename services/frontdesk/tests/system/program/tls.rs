//! The three roles with TLS between them and before the gateway, as an operator sets it.

use std::fs;
use std::net::TcpListener;
use std::process::Stdio;
use std::time::{Duration, Instant};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, KeyUsagePurpose};
use reqwest::{Certificate, Client};
use serde_json::json;

use super::run::{Dev, Folder, assert_one_sentence, frontdesk};
use crate::fixture::{Fixture, MASTER_KEY, case, path_of};

const ROLES: [&str; 3] = ["identity", "booking", "gateway"];

fn free() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority() -> Authority {
    let mut of = CertificateParams::new(Vec::new()).unwrap();
    of.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    of.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    CertifiedIssuer::self_signed(of, KeyPair::generate().unwrap()).unwrap()
}

/// Writes the certificate and the key of a role; each has its own name beside localhost.
fn sign(folder: &Folder, by: &Authority, role: &str) {
    let key = KeyPair::generate().unwrap();
    let of = CertificateParams::new(vec!["127.0.0.1".to_owned(), format!("{role}.internal")]).unwrap();
    fs::write(folder.path().join(format!("{role}.key")), key.serialize_pem()).unwrap();
    fs::write(folder.path().join(format!("{role}.crt")), of.signed_by(&key, by).unwrap().pem()).unwrap();
}

async fn is_ready(admin: &str) {
    let (url, began) = (format!("http://{admin}/readyz"), Instant::now());
    while !reqwest::get(&url).await.is_ok_and(|answer| answer.status() == 200) {
        assert!(began.elapsed() < Duration::from_secs(20), "{url} is not ready");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// The three roles, which show each other their certificates.
struct Roles {
    folder: Folder,
    ours: Authority,
    gateway: String,
    booking: String,
    /// Their operator ports.
    admins: [String; 3],
    _running: Vec<Dev>,
}

impl Roles {
    async fn start(fixture: &Fixture) -> Self {
        let (folder, ours) = (Folder::new("tls"), authority());
        let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        fs::write(path("ca.crt"), ours.pem()).unwrap();
        let ([identity, booking, gateway], admins) = ([free(), free(), free()], [free(), free(), free()]);
        let (ca, master_key) = (path("ca.crt"), MASTER_KEY.repeat(32));
        let database = [("DATABASE_URL", fixture.database.url.as_str()), ("TLS_CLIENT_AUTHORITY", &ca)];
        let mut running = Vec::new();
        for (at, role) in ROLES.into_iter().enumerate() {
            sign(&folder, &ours, role);
            let (certificate, key) = (path(&format!("{role}.crt")), path(&format!("{role}.key")));
            let mut env = vec![("ADMIN_LISTEN", admins[at].as_str())];
            env.extend([("TLS_CERTIFICATE", certificate.as_str()), ("TLS_KEY", &key)]);
            let called = [
                ("UPSTREAM_AUTHORITY", ca.as_str()),
                ("UPSTREAM_CERTIFICATE", &certificate),
                ("UPSTREAM_KEY", &key),
                ("IDENTITY_ADDR", &identity),
            ];
            match role {
                "identity" => {
                    env.extend(database);
                    env.extend([
                        ("IDENTITY_LISTEN", identity.as_str()),
                        ("FRONTDESK_MASTER_KEY", &master_key),
                    ]);
                    env.push(("TLS_CLIENT_NAMES", "gateway.internal,booking.internal"));
                }
                "booking" => {
                    env.extend(database.into_iter().chain(called));
                    env.push(("BOOKING_LISTEN", &booking));
                    env.push(("TLS_CLIENT_NAMES", "gateway.internal"));
                }
                _ => {
                    env.extend(called);
                    env.extend([("GATEWAY_LISTEN", gateway.as_str()), ("BOOKING_ADDR", &booking)]);
                }
            }
            let child = frontdesk(&[role], &env).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
            running.push(Dev(child.unwrap()));
        }
        for admin in &admins {
            is_ready(admin).await;
        }
        Self { folder, ours, gateway, booking, admins, _running: running }
    }

    /// Somebody who believes their authority.
    fn client(&self) -> Client {
        let root = Certificate::from_pem(self.ours.pem().as_bytes()).unwrap();
        Client::builder().no_proxy().tls_certs_only([root]).build().unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_approved_with_tls_on_every_way_and_renewed_certificates() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let roles = Roles::start(&fixture).await;
    let approve = async |client: &Client| {
        let url = format!("https://{}{}", roles.gateway, path_of(case("REQUESTED"), "/approve"));
        let answer = client.post(url).bearer_auth(&token).json(&json!({})).send().await.unwrap();
        (answer.status().as_u16(), answer.version())
    };
    let kept = roles.client();
    assert_eq!(approve(&kept).await, (200, http::Version::HTTP_2));
    // In the clear nobody is answered, and the services let nobody else in.
    assert!(Client::new().get(format!("http://{}/livez", roles.gateway)).send().await.is_err());
    let stranger = roles.client().get(format!("https://{}/", roles.booking)).send().await;
    assert!(stranger.is_err(), "{stranger:?}");

    for role in ROLES {
        sign(&roles.folder, &roles.ours, role);
    }
    tokio::time::sleep(Duration::from_millis(1200)).await;
    assert_eq!(approve(&kept).await.0, 200);
    assert_eq!(approve(&roles.client()).await.0, 200);
    for admin in &roles.admins {
        let metrics = reqwest::get(format!("http://{admin}/metrics")).await.unwrap().text().await.unwrap();
        let read = metrics.lines().find(|line| line.contains("of=\"port\",outcome=\"used\"")).unwrap();
        assert!(read.ends_with(" 2"), "{read}");
    }
}

#[test]
fn beyond_this_machine_a_role_speaks_tls_or_is_told_that_it_need_not() {
    let env =
        [("GATEWAY_LISTEN", "0.0.0.0:0"), ("IDENTITY_ADDR", "127.0.0.1:1"), ("BOOKING_ADDR", "10.0.0.7:1")];
    let refused = frontdesk(&["gateway"], &env).output().unwrap();
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(1), "{said}");
    for part in ["GATEWAY_LISTEN is 0.0.0.0:0", "BOOKING_ADDR has 10.0.0.7", "CLEARTEXT=everywhere"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    let env = [
        ("GATEWAY_LISTEN", "127.0.0.1:0"),
        ("IDENTITY_ADDR", "127.0.0.1:1"),
        ("BOOKING_ADDR", "127.0.0.1:1"),
        ("TLS_CERTIFICATE", "/nonexistent/tls.crt"),
        ("TLS_KEY", "/nonexistent/tls.key"),
    ];
    let refused = frontdesk(&["gateway"], &env).output().unwrap();
    assert_one_sentence(&refused, 1, &["TLS cannot be spoken", "/nonexistent/tls.key", "cannot be read"]);
}
