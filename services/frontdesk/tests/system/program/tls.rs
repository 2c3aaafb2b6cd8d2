//! The three roles with TLS between them and before the gateway, as an operator sets it.

use std::fs;
use std::process::Stdio;
use std::time::{Duration, Instant};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, KeyUsagePurpose};
use reqwest::{Certificate, Client};
use serde_json::json;

use super::run::{Dev, Folder, assert_one_sentence, free, frontdesk};
use crate::fixture::{Fixture, MASTER_KEY, case, path_of};

const ROLES: [&str; 3] = ["identity", "booking", "gateway"];
/// The gateway shows callers another one than the services.
const CERTIFICATES: [&str; 4] = ["identity", "booking", "gateway", "api"];

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority() -> Authority {
    let mut of = CertificateParams::new(Vec::new()).unwrap();
    of.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    of.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    CertifiedIssuer::self_signed(of, KeyPair::generate().unwrap()).unwrap()
}

/// Writes a certificate and its key; each has its own name beside this machine's address.
fn sign(folder: &Folder, by: &Authority, name: &str) {
    let key = KeyPair::generate().unwrap();
    let names = vec!["127.0.0.1".to_owned(), format!("{name}.frontdesk.internal")];
    let of = CertificateParams::new(names).unwrap();
    fs::write(folder.path().join(format!("{name}.key")), key.serialize_pem()).unwrap();
    fs::write(folder.path().join(format!("{name}.crt")), of.signed_by(&key, by).unwrap().pem()).unwrap();
}

/// What the drop-in of a unit sets, with these in place of what it has.
fn drop_in(role: &str, replaced: &[(&str, &str)]) -> Vec<(String, String)> {
    let path = format!("{}/../../deploy/systemd/tls/{role}.conf", env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(path).unwrap();
    let text = replaced.iter().fold(text, |text, (written, here)| text.replace(written, here));
    let set = text.lines().filter_map(|line| line.strip_prefix("Environment=")?.split_once('='));
    set.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

async fn is_ready(admin: &str) {
    let (url, began) = (format!("http://{admin}/readyz"), Instant::now());
    while !reqwest::get(&url).await.is_ok_and(|answer| answer.status() == 200) {
        assert!(began.elapsed() < Duration::from_secs(20), "{url} is not ready");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// The files of its port have been read again.
async fn is_renewed(admin: &str) {
    let (url, began) = (format!("http://{admin}/metrics"), Instant::now());
    loop {
        let figures = reqwest::get(&url).await.unwrap().text().await.unwrap();
        let read = figures.lines().find(|line| line.contains("of=\"port\",outcome=\"used\"")).unwrap();
        if read.ends_with(" 2") {
            return;
        }
        assert!(began.elapsed() < Duration::from_secs(10), "{url}: {read}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// The three roles, as the drop-ins of their units have them: they show each other their
/// certificates.
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
        fs::write(folder.path().join("ca.crt"), ours.pem()).unwrap();
        for name in CERTIFICATES {
            sign(&folder, &ours, name);
        }
        let ([identity, booking, gateway], admins) = ([free(), free(), free()], [free(), free(), free()]);
        let replaced = [
            ("/etc/frontdesk/tls", folder.path().to_str().unwrap()),
            ("identity.frontdesk.internal:50051", &identity),
            ("0.0.0.0:50051", &identity),
            ("booking.frontdesk.internal:50052", &booking),
            ("0.0.0.0:50052", &booking),
            ("0.0.0.0:8443", &gateway),
        ];
        let master_key = MASTER_KEY.repeat(32);
        let mut running = Vec::new();
        for (role, admin) in ROLES.into_iter().zip(&admins) {
            let set = drop_in(role, &replaced);
            let mut env: Vec<(&str, &str)> = set.iter().map(|(name, value)| (&**name, &**value)).collect();
            env.push(("ADMIN_LISTEN", admin));
            if role != "gateway" {
                env.push(("DATABASE_URL", &fixture.database.url));
            }
            if role == "identity" {
                env.push(("FRONTDESK_MASTER_KEY", &master_key));
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

    for name in CERTIFICATES {
        sign(&roles.folder, &roles.ours, name);
    }
    for admin in &roles.admins {
        is_renewed(admin).await;
    }
    assert_eq!(approve(&kept).await.0, 200);
    assert_eq!(approve(&roles.client()).await.0, 200);
}

#[test]
fn beyond_this_machine_a_role_speaks_tls_or_is_told_that_it_need_not() {
    let env = [
        ("GATEWAY_LISTEN", "0.0.0.0:0"),
        ("IDENTITY_ADDR", "127.0.0.1:1"),
        ("BOOKING_ADDR", "10.0.0.7:1"),
        ("ADMIN_LISTEN", "0.0.0.0:0"),
    ];
    let refused = frontdesk(&["gateway"], &env).output().unwrap();
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(1), "{said}");
    for part in [
        "GATEWAY_LISTEN is 0.0.0.0:0",
        "BOOKING_ADDR has 10.0.0.7",
        "CLEARTEXT=everywhere",
        "ADMIN_LISTEN is 0.0.0.0:0",
        "CLEARTEXT=operator-port",
    ] {
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
