//! TLS as libpq means it, against a real server: who is believed, what is encrypted, and
//! what is said when it cannot be.

// A test that cannot go on says where.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};

use devdb::{PrivateServer, Programs, ServerOptions, Tcp};
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CertifiedIssuer, DnType, IsCa,
    KeyIdMethod, KeyPair, KeyUsagePurpose, RevokedCertParams, SerialNumber, date_time_ymd,
};
use tokio_postgres::Client;

/// A server with TLS, and certificates of several kinds in its folder.
struct Server {
    postgres: PrivateServer,
    addr: SocketAddr,
    dir: PathBuf,
    owner: Client,
}

/// The number of every certificate that an authority signs here.
const SERIAL: u64 = 77;

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority(name: &str) -> Authority {
    let mut of = CertificateParams::new(Vec::new()).unwrap();
    of.distinguished_name.push(DnType::CommonName, name);
    of.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    of.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    CertifiedIssuer::self_signed(of, KeyPair::generate().unwrap()).unwrap()
}

/// A certificate for these hosts, or of this subject, and its key.
fn signed(by: &Authority, hosts: &[&str], subject: &str) -> (String, String) {
    let key = KeyPair::generate().unwrap();
    let hosts: Vec<String> = hosts.iter().map(|host| (*host).to_owned()).collect();
    let mut of = CertificateParams::new(hosts).unwrap();
    of.distinguished_name.push(DnType::CommonName, subject);
    of.serial_number = Some(SERIAL.into());
    (of.signed_by(&key, by).unwrap().pem(), key.serialize_pem())
}

impl Server {
    async fn start(name: &str) -> Self {
        let addr = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let dir = std::env::temp_dir().join(format!("frontdesk-{name}-{}", std::process::id()));
        let tcp = Some(Tcp { addr, password: "right".to_owned() });
        let programs = Programs::of_tests().unwrap();
        let options = ServerOptions { dir: dir.clone(), ephemeral: true, durable: false, tcp, programs };
        let postgres = PrivateServer::start(options).await.unwrap();
        let owner = pg::connect(&postgres.url("postgres")).await.unwrap();
        Self { postgres, addr, dir, owner }
    }

    /// Writes a file that only the server's user may read, who owns its folder.
    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.dir.join(name);
        fs::write(&path, text).unwrap();
        let of = fs::metadata(self.dir.join("data")).unwrap();
        chown(&path, Some(of.uid()), Some(of.gid())).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        path
    }

    async fn shows(&self, (certificate, key): (String, String), trusts: &Path) {
        let (certificate, key) = (self.write("server.pem", &certificate), self.write("server.key", &key));
        for (name, file) in
            [("ssl_cert_file", &*certificate), ("ssl_key_file", &key), ("ssl_ca_file", trusts)]
        {
            self.set(name, &file.display().to_string()).await;
        }
        self.set("ssl", "on").await;
        self.reload().await;
    }

    async fn set(&self, name: &str, value: &str) {
        self.owner.batch_execute(&format!("alter system set {name} = '{value}'")).await.unwrap();
    }

    async fn admits(&self, rules: &str) {
        let file = self.dir.join("data/pg_hba.conf");
        fs::write(&file, format!("local all all trust\n{rules}\n")).unwrap();
        self.reload().await;
    }

    /// Returns once new sessions see what was changed.
    async fn reload(&self) {
        let loaded = "select pg_conf_load_time()::text";
        let before: String = self.owner.query_one(loaded, &[]).await.unwrap().get(0);
        self.owner.batch_execute("select pg_reload_conf()").await.unwrap();
        for _ in 0..200 {
            let session = pg::connect(&self.postgres.url("postgres")).await.unwrap();
            let now: String = session.query_one(loaded, &[]).await.unwrap().get(0);
            if now != before {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        panic!("the server does not load its settings");
    }

    /// A connection string for a host of this name at the server's address.
    fn url(&self, host: &str, parameters: &str) -> String {
        let (port, address) = (self.addr.port(), self.addr.ip());
        format!("postgresql://frontdesk:right@{host}:{port}/postgres?hostaddr={address}&{parameters}")
    }

    /// Whether a connection is encrypted, or what is said of one that is not made.
    async fn tried(&self, host: &str, parameters: &str) -> Result<bool, String> {
        let client = match pg::connect(&self.url(host, parameters)).await {
            Ok(client) => client,
            Err(fault) => {
                let said = fault.advice().to_string();
                assert!(!said.contains("right"), "{said}");
                return Err(said);
            }
        };
        let query = "select ssl from pg_stat_ssl where pid = pg_backend_pid()";
        Ok(client.query_one(query, &[]).await.unwrap().get(0))
    }

    async fn refused(&self, host: &str, parameters: &str, wanted: &str) {
        let said = self.tried(host, parameters).await.unwrap_err();
        assert!(said.contains(wanted), "{parameters}: {said}");
    }
}

fn named(parameter: &str, file: &Path) -> String {
    format!("{parameter}={}", file.display())
}

#[tokio::test]
async fn who_is_believed_is_what_the_connection_string_says() {
    let server = Server::start("believed").await;
    server.refused("db.test", "sslmode=require", "the server does not offer TLS: turn TLS on").await;
    let (ours, theirs) = (authority("ours"), authority("theirs"));
    let roots = server.write("ours.pem", &ours.pem());
    let others = server.write("theirs.pem", &theirs.pem());
    server.shows(signed(&ours, &["db.test"], "any"), &roots).await;

    for (parameters, encrypted) in [
        ("", true),
        ("sslmode=disable", false),
        ("sslmode=allow", false),
        ("sslmode=prefer", true),
        ("sslmode=require", true),
        ("sslmode=require&ssl_min_protocol_version=TLSv1.3", true),
        ("sslmode=require&ssl_max_protocol_version=TLSv1.2", true),
        ("sslmode=require&channel_binding=require", true),
    ] {
        assert_eq!(server.tried("db.test", parameters).await, Ok(encrypted), "{parameters}");
    }
    server.refused("db.test", "sslmode=disable&channel_binding=require", "channel binding").await;

    let full = format!("sslmode=verify-full&{}", named("sslrootcert", &roots));
    assert_eq!(server.tried("db.test", &full).await, Ok(true));
    server.refused("other.test", &full, "its certificate is for another host").await;
    let chain = format!("sslmode=verify-ca&{}", named("sslrootcert", &roots));
    assert_eq!(server.tried("other.test", &chain).await, Ok(true));
    for mode in ["require", "verify-ca", "verify-full"] {
        let foreign = format!("sslmode={mode}&{}", named("sslrootcert", &others));
        server.refused("db.test", &foreign, "signed by nobody whom sslrootcert names").await;
    }
    server.refused("db.test", "sslrootcert=system", "signed by nobody").await;

    // The file of an authority that has changed is read again.
    let database = pg::Database::new(pg::PoolOptions {
        url: server.url("db.test", &format!("sslmode=verify-full&{}", named("sslrootcert", &others))),
        role: "frontdesk",
        application_name: "tls",
        max_size: 1,
    });
    let database = database.unwrap();
    assert!(database.ping().await.is_err());
    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    server.write("theirs.pem", &ours.pem());
    database.ping().await.unwrap();
    server.postgres.stop();
}

#[tokio::test]
async fn a_self_signed_certificate_is_believed_by_itself() {
    let server = Server::start("itself").await;
    // As PostgreSQL's manual makes one: an authority, with the host in the subject alone.
    let itself = authority("db.test");
    let roots = server.write("itself.pem", &itself.pem());
    server.shows((itself.pem(), itself.key().serialize_pem()), &roots).await;
    let full = format!("sslmode=verify-full&{}", named("sslrootcert", &roots));
    assert_eq!(server.tried("db.test", &full).await, Ok(true));
    server.refused("other.test", &full, "its certificate is for another host").await;
    // So does one that an authority signed, as long as it has no other names.
    let ours = authority("ours");
    let roots = server.write("ours.pem", &ours.pem());
    server.shows(signed(&ours, &[], "*.example.test"), &roots).await;
    let full = format!("sslmode=verify-full&{}", named("sslrootcert", &roots));
    assert_eq!(server.tried("db.example.test", &full).await, Ok(true));
    server.refused("db.test", &full, "its certificate is for another host").await;
    server.shows(signed(&ours, &["db.test"], "other.test"), &roots).await;
    server.refused("other.test", &full, "its certificate is for another host").await;
    server.postgres.stop();
}

#[tokio::test]
async fn who_may_come_in_is_tried_as_libpq_tries_it() {
    let server = Server::start("door").await;
    let ours = authority("ours");
    let roots = server.write("ours.pem", &ours.pem());
    server.shows(signed(&ours, &["db.test"], "any"), &roots).await;

    server.admits("hostnossl all all all reject\nhostssl all all all scram-sha-256").await;
    assert_eq!(server.tried("db.test", "sslmode=allow").await, Ok(true));
    server.refused("db.test", "sslmode=disable", "it does not let this user in").await;
    server.admits("hostssl all all all reject\nhostnossl all all all scram-sha-256").await;
    assert_eq!(server.tried("db.test", "sslmode=prefer").await, Ok(false));
    server.refused("db.test", "sslmode=require", "it does not let this user in").await;

    server.admits("hostssl all all all cert").await;
    server.refused("db.test", "sslmode=require", "name sslmode, sslcert and sslkey").await;
    let (certificate, key) = signed(&ours, &[], "frontdesk");
    let (certificate, key) = (server.write("user.pem", &certificate), server.write("user.key", &key));
    let shown = format!("sslmode=require&{}&{}", named("sslcert", &certificate), named("sslkey", &key));
    assert_eq!(server.tried("db.test", &shown).await, Ok(true));
    let hidden = format!("{shown}&sslcertmode=disable");
    server.refused("db.test", &hidden, "name sslmode, sslcert and sslkey").await;
    let swapped = format!("sslmode=require&{}&{}", named("sslcert", &key), named("sslkey", &certificate));
    server.refused("db.test", &swapped, "the file has no certificates in PEM").await;
    server.postgres.stop();
}

/// The list of an authority, good until the end of a year: what it revoked.
fn revoked(by: &Authority, serial: u64, until: i32) -> String {
    let revoked = RevokedCertParams {
        serial_number: SerialNumber::from(serial),
        revocation_time: date_time_ymd(2020, 1, 1),
        reason_code: None,
        invalidity_date: None,
    };
    let list = CertificateRevocationListParams {
        this_update: date_time_ymd(2020, 1, 2),
        next_update: date_time_ymd(until, 12, 31),
        crl_number: SerialNumber::from(1),
        issuing_distribution_point: None,
        revoked_certs: vec![revoked],
        key_identifier_method: KeyIdMethod::Sha256,
    };
    list.signed_by(by).unwrap().pem().unwrap()
}

#[tokio::test]
async fn who_was_revoked_is_not_believed() {
    let server = Server::start("revoked").await;
    let (ours, theirs) = (authority("ours"), authority("theirs"));
    let roots = server.write("ours.pem", &ours.pem());
    server.shows(signed(&ours, &["db.test"], "any"), &roots).await;
    let list = server.dir.join("list.pem");
    let parameters =
        format!("sslmode=verify-full&{}&{}", named("sslrootcert", &roots), named("sslcrl", &list));
    for (text, said) in [
        (revoked(&ours, SERIAL + 1, 2999), ""),
        (revoked(&ours, SERIAL, 2999), "its certificate was revoked"),
        (revoked(&ours, SERIAL + 1, 2020), "no list of its authority that is still good"),
        (revoked(&theirs, SERIAL + 1, 2999), "no list of its authority that is still good"),
        (revoked(&theirs, SERIAL, 2999) + &revoked(&ours, SERIAL + 1, 2999), ""),
        ("-----BEGIN X509 CRL-----\n".to_owned(), "the file does not hold revocation lists in PEM"),
    ] {
        server.write("list.pem", &text);
        match said {
            "" => assert_eq!(server.tried("db.test", &parameters).await, Ok(true), "{text}"),
            said => server.refused("db.test", &parameters, said).await,
        }
    }
    server.postgres.stop();
}

/// From PostgreSQL 17 on TLS is begun without asking for it; before, the server says that
/// it does not understand, and ends the connection.
#[tokio::test]
async fn tls_is_begun_at_once_where_the_server_knows_it() {
    let server = Server::start("direct").await;
    let ours = authority("ours");
    let roots = server.write("ours.pem", &ours.pem());
    server.shows(signed(&ours, &["db.test"], "any"), &roots).await;
    let version: String = server.owner.query_one("show server_version_num", &[]).await.unwrap().get(0);
    for parameters in ["sslmode=require", &format!("sslmode=verify-full&{}", named("sslrootcert", &roots))] {
        let direct = format!("{parameters}&sslnegotiation=direct");
        if version.parse::<u32>().unwrap() >= 170_000 {
            assert_eq!(server.tried("db.test", &direct).await, Ok(true));
        } else {
            server.refused("db.test", &direct, "it ended the connection").await;
        }
    }
    server.postgres.stop();
}
