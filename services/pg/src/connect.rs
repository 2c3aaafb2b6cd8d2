//! Opening connections: to which of several hosts, and with TLS or without. What was asked
//! for is `address.rs`.

use std::error::Error as _;
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::task::JoinHandle;
use tokio_postgres::config::SslMode;
use tokio_postgres::error::SqlState;
use tokio_postgres::tls::{MakeTlsConnect, NoTls};
use tokio_postgres::{CancelToken, Client, Config, Connection, Error, SimpleQueryMessage, Socket};

use crate::address::{Address, Host, Security, TargetServer};
use crate::missed::Missed;
use crate::resolve::{at_each, look_up, name};
use crate::tls::Tls;
use crate::{Fault, Kind};

/// A connection before anybody drives it.
pub(crate) type Opened = (Client, Connection<Socket, <Tls as MakeTlsConnect<Socket>>::Stream>);

/// Whoever opens connections to a database.
#[derive(Debug, Clone)]
pub(crate) struct Connector {
    address: Arc<Address>,
    /// The one that let the last connection in; the next one is tried there first.
    good: Arc<Mutex<Good>>,
}

/// A host, and which of its addresses.
#[derive(Debug, Clone, Default)]
struct Good {
    place: usize,
    name: String,
}

/// A server that was not the one.
struct Miss {
    /// Of the host.
    place: usize,
    /// Of the host, and with its address if it has several.
    name: String,
    error: Error,
}

/// One connection outside any pool, as whoever the URL names: for migrations
/// and the development server.
pub async fn connect(url: &str) -> Result<Client, Fault> {
    let address: Address = url.parse().map_err(|sentence: String| Fault::new(Kind::Other, sentence))?;
    Ok(Connector::new(address).client().await?)
}

fn driven(connection: Connection<Socket, <Tls as MakeTlsConnect<Socket>>::Stream>) -> JoinHandle<()> {
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "database connection ended");
        }
    })
}

impl deadpool_postgres::Connect for Connector {
    fn connect(
        &self,
        _: &Config,
    ) -> Pin<Box<dyn Future<Output = Result<(Client, JoinHandle<()>), Error>> + Send + '_>> {
        Box::pin(async {
            let (client, connection) = self.open().await?;
            Ok((client, driven(connection)))
        })
    }
}

impl Connector {
    pub(crate) fn new(address: Address) -> Self {
        Self { address: Arc::new(address), good: Arc::default() }
    }

    /// What the driver gets, of the first host.
    pub(crate) fn config(&self) -> Config {
        self.address.hosts.first().map_or_else(Config::new, |host| host.config.clone())
    }

    /// How long one server may take to let a connection in.
    pub(crate) fn patience(&self) -> Duration {
        self.address.patience
    }

    /// The same, driven.
    pub(crate) async fn client(&self) -> Result<Client, Error> {
        let (client, connection) = self.open().await?;
        drop(driven(connection));
        Ok(client)
    }

    /// Has the server give up the statement that a connection waits for.
    pub(crate) async fn cancel(&self, token: CancelToken) -> Result<(), Error> {
        token.cancel_query(self.address.tls.clone()).await
    }

    /// A connection to the first host that lets it in and is what is wanted.
    pub(crate) async fn open(&self) -> Result<Opened, Error> {
        Box::pin(self.open_by(&look_up)).await
    }

    /// The same, with what looks up the addresses of a name.
    async fn open_by<F>(&self, look_up: &impl Fn(String) -> F) -> Result<Opened, Error>
    where
        F: Future<Output = io::Result<Vec<IpAddr>>>,
    {
        let target = self.address.target;
        let mut missed = Vec::new();
        let mut standby = None;
        let good = self.good.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for place in self.order(self.address.hosts.len(), good.place) {
            let host = &self.address.hosts[place];
            let each = match self.servers(host, look_up).await {
                Ok(each) => each,
                Err(error) => {
                    missed.push(Miss { place, name: host.name.clone(), error: failed(error).await });
                    continue;
                }
            };
            let first = each.iter().position(|one| one.name == good.name).unwrap_or_default();
            for server in self.order(each.len(), first).map(|server| &each[server]) {
                let asks = match target {
                    TargetServer::Any => false,
                    TargetServer::Primary => true,
                    // One alone is what there is.
                    TargetServer::PrimaryFirst => self.address.hosts.len() > 1 || each.len() > 1,
                };
                let error = match self.open_in_time(server, asks).await {
                    Ok((_, true)) if target == TargetServer::Primary => {
                        failed(io::Error::other(Missed::Standby)).await
                    }
                    Ok((opened, true)) if target == TargetServer::PrimaryFirst => {
                        standby.get_or_insert(opened);
                        continue;
                    }
                    Ok((opened, _)) => {
                        *self.good.lock().unwrap_or_else(PoisonError::into_inner) =
                            Good { place, name: server.name.clone() };
                        return Ok(opened);
                    }
                    Err(error) => error,
                };
                missed.push(Miss { place, name: server.name.clone(), error });
            }
        }
        match standby {
            Some(opened) => Ok(opened),
            None => Err(summed_up(missed).await),
        }
    }

    /// So many in the order in which they are tried.
    fn order(&self, count: usize, good: usize) -> impl Iterator<Item = usize> + use<> {
        let first = if self.address.is_shuffled { by_chance(count) } else { good };
        (0..count).map(move |place| (first + place) % count)
    }

    /// A host at each of its addresses.
    async fn servers<F>(&self, host: &Host, look_up: &impl Fn(String) -> F) -> io::Result<Vec<Host>>
    where
        F: Future<Output = io::Result<Vec<IpAddr>>>,
    {
        let Some(name) = name(host) else { return Ok(vec![host.clone()]) };
        let Ok(found) = tokio::time::timeout(self.patience(), look_up(name)).await else {
            return Err(self.late("no address"));
        };
        match at_each(host, &found?) {
            // As the name service says it of a name that it does not have.
            none if none.is_empty() => Err(io::Error::other("it has no address")),
            each => Ok(each),
        }
    }

    async fn open_in_time(&self, server: &Host, asks: bool) -> Result<(Opened, bool), Error> {
        match tokio::time::timeout(self.patience(), self.open_host(server, asks)).await {
            Ok(opened) => opened,
            Err(_) => Err(failed(self.late("no connection")).await),
        }
    }

    fn late(&self, what: &str) -> io::Error {
        let late = format!("{what} within {} s", self.patience().as_secs_f32());
        io::Error::new(io::ErrorKind::TimedOut, late)
    }

    /// A connection to a host, and whether it is a standby, if somebody asks.
    async fn open_host(&self, host: &Host, asks: bool) -> Result<(Opened, bool), Error> {
        let mut opened = match host.security {
            Security::Plain => self.open_once(host, SslMode::Disable).await,
            Security::Tls => self.open_once(host, SslMode::Require).await,
            Security::PlainOrTls => match self.open_once(host, SslMode::Disable).await {
                Err(refused) if is_refused(&refused) => {
                    self.open_once(host, SslMode::Require).await.map_err(|_| refused)
                }
                opened => opened,
            },
            Security::TlsOrPlain => match self.open_once(host, SslMode::Prefer).await {
                Err(refused) if is_refused(&refused) => {
                    self.open_once(host, SslMode::Disable).await.map_err(|_| refused)
                }
                Err(error) if is_of_tls(&error) => self.open_once(host, SslMode::Disable).await,
                opened => opened,
            },
        }?;
        let is_standby = asks && is_standby(&mut opened).await?;
        Ok((opened, is_standby))
    }

    async fn open_once(&self, host: &Host, mode: SslMode) -> Result<Opened, Error> {
        let mut config = host.config.clone();
        config.ssl_mode(mode);
        match config.connect(self.address.tls.clone()).await {
            Err(error) if mode == SslMode::Require && has_no_tls(&error) => {
                Err(failed(io::Error::other(Missed::NoTls)).await)
            }
            opened => opened,
        }
    }
}

/// The error that says most: what a server answered, or what became of each.
async fn summed_up(mut missed: Vec<Miss>) -> Error {
    let answered = missed.iter().position(|one| one.error.as_db_error().is_some());
    // All addresses of one host may miss for one reason.
    let is_one = missed.windows(2).all(|two| (two[0].place, two[0].why()) == (two[1].place, two[1].why()));
    if let Some(place) = answered.or((is_one && !missed.is_empty()).then_some(0)) {
        return missed.swap_remove(place).error;
    }
    let each: Vec<String> = missed.iter().map(|one| format!("{}: {}", one.name, one.why())).collect();
    failed(io::Error::other(Missed::All(each.join("; ")))).await
}

impl Miss {
    fn why(&self) -> String {
        crate::advice::advice(&self.error).map_or_else(|| self.error.to_string(), |advice| advice.what)
    }
}

/// Whether `pg_hba.conf` has no place for such a connection.
fn is_refused(error: &Error) -> bool {
    error.code() == Some(&SqlState::INVALID_AUTHORIZATION_SPECIFICATION)
}

fn is_of_tls(error: &Error) -> bool {
    let cause = error.source().and_then(|cause| cause.downcast_ref::<io::Error>());
    cause.and_then(io::Error::get_ref).is_some_and(<dyn std::error::Error + Send + Sync>::is::<rustls::Error>)
}

/// The driver has no type for it: neither the network nor the server has failed then.
fn has_no_tls(error: &Error) -> bool {
    !error.is_closed()
        && error.source().is_some_and(|cause| !cause.is::<io::Error>() && error.as_db_error().is_none())
}

async fn is_standby((client, connection): &mut Opened) -> Result<bool, Error> {
    let answer = tokio::select! {
        answer = client.simple_query("select pg_catalog.pg_is_in_recovery()") => answer?,
        ended = connection => {
            ended?;
            return Err(failed(io::ErrorKind::UnexpectedEof.into()).await);
        }
    };
    Ok(answer
        .iter()
        .any(|message| matches!(message, SimpleQueryMessage::Row(row) if row.get(0) == Some("t"))))
}

fn by_chance(count: usize) -> usize {
    // Each `RandomState` has keys of its own.
    let random = RandomState::new().hash_one("hosts");
    usize::try_from(random % u64::try_from(count.max(1)).unwrap_or(1)).unwrap_or_default()
}

/// An error of ours as one of the driver's, which makes them of streams only.
async fn failed(error: io::Error) -> Error {
    let mut config = Config::new();
    config.user("nobody").ssl_mode(SslMode::Disable);
    let mut stream = Failing(Some(error));
    loop {
        if let Err(error) = config.connect_raw(&mut stream, NoTls).await {
            return error;
        }
    }
}

/// A stream that fails.
struct Failing(Option<io::Error>);

impl Failing {
    fn fail<T>(&mut self) -> Poll<io::Result<T>> {
        Poll::Ready(Err(self.0.take().unwrap_or_else(|| io::ErrorKind::BrokenPipe.into())))
    }
}

impl AsyncRead for Failing {
    fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, _: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.fail()
    }
}

impl AsyncWrite for Failing {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, _: &[u8]) -> Poll<io::Result<usize>> {
        self.fail()
    }

    fn poll_flush(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.fail()
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.fail()
    }
}

#[cfg(test)]
mod tests;
