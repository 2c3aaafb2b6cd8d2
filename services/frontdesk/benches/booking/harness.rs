//! A system on a private server, and callers of it.

use std::net::SocketAddr;
use std::path::PathBuf;

use boot::{StopPolicy, TrustedProxies};
use devdb::{PrivateServer, Programs, ServerOptions};
use frontdesk::demo;
use frontdesk::system::{Calls, Parts, Policies, System};
use frontdesk_proto::identity::v1::LoginRequest;
use frontdesk_proto::identity::v1::auth_service_client::AuthServiceClient;
use identity::MasterKey;
use tokio::net::TcpListener;
use tonic::Request;
use upstream::Upstream;
use uuid::Uuid;

/// A running system with the demo's data.
pub struct Bench {
    server: PrivateServer,
    pub dir: PathBuf,
    pub url: String,
    /// Sees every row.
    pub sql: tokio_postgres::Client,
    pub system: System,
    /// Of a manager.
    pub token: String,
}

impl Bench {
    pub async fn start(durable: bool) -> Self {
        let dir = std::env::temp_dir().join(format!("frontdesk-bench-{}-{durable}", std::process::id()));
        let programs = Programs::of_tests().unwrap();
        let options = ServerOptions { dir: dir.clone(), ephemeral: true, durable, tcp: None, programs };
        let server = PrivateServer::start(options).await.unwrap();
        let postgres = pg::connect(&server.url("postgres")).await.unwrap();
        postgres.batch_execute("create database bench").await.unwrap();
        let url = server.url("bench");
        pg::migrate::up(&url, &[&identity::MIGRATIONS, &booking::MIGRATIONS]).await.unwrap();
        demo::seed(&url).await.unwrap();
        let sql = pg::connect(&url).await.unwrap();
        let free = || TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0)));
        let system = System::start(Parts {
            database: pg::Config { url: url.clone(), pool_size: pg::Config::DEFAULT_POOL_SIZE },
            master_key: MasterKey::from_text(&"ab".repeat(32)).unwrap(),
            identity: free().await.unwrap().into(),
            booking: free().await.unwrap().into(),
            gateway: free().await.unwrap().into(),
            calls: Calls::InProcess,
            stop: StopPolicy::AT_ONCE,
            policies: Policies {
                booking: booking::Policy {
                    most_streams: 10_000,
                    most_streams_of_tenant: 5_000,
                    most_streams_of_session: 100,
                    ..booking::Policy::default()
                },
                // Callers say which address they have.
                gateway: gateway::Policy {
                    trusted_proxies: TrustedProxies::loopback(),
                    ..gateway::Policy::default()
                },
                ..Policies::default()
            },
        })
        .await
        .unwrap();
        let mut bench = Self { server, dir, url, sql, system, token: String::new() };
        bench.token = bench.login().await;
        bench
    }

    /// Signs the manager in once more: a session of its own.
    pub async fn login(&self) -> String {
        let login = LoginRequest { email: demo::MANAGER.to_owned(), password: demo::PASSWORD.to_owned() };
        let channel: Upstream = self.system.identity.to_string().parse().unwrap();
        AuthServiceClient::new(channel).login(login).await.unwrap().into_inner().access
    }

    /// A connection to booking of its own.
    pub fn booking(&self) -> Upstream {
        self.system.booking.to_string().parse().unwrap()
    }

    pub async fn run(&self, sql: &str) {
        self.sql.batch_execute(sql).await.unwrap();
    }

    /// Statistics, and nothing left to write: one by one, since they refuse to run
    /// inside a transaction.
    pub async fn settle(&self) {
        self.run("vacuum analyze").await;
        self.run("checkpoint").await;
    }

    pub async fn stop(self) {
        self.system.stop().await.unwrap();
        drop(self.sql);
        self.server.stop();
        let _gone = std::fs::remove_dir_all(&self.dir);
    }
}

/// A request in a tenant.
pub fn signed<T>(message: T, token: &str, tenant: Uuid) -> Request<T> {
    let mut request = Request::new(message);
    request.metadata_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
    request.metadata_mut().insert("x-tenant-id", tenant.to_string().parse().unwrap());
    request
}
