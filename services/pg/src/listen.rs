//! Hearing what other sessions notify, on a connection of its own: nobody listens on
//! those of the pool while they rest. What is notified is a hint and may be lost, with the
//! connection or before it; whoever listens also looks unasked now and then, and more often
//! where nobody can listen: through a pooler that shares sessions.

use std::time::Duration;

use futures::StreamExt;
use futures::stream::poll_fn;
use tokio::sync::mpsc;
use tokio_postgres::{AsyncMessage, Client};

use crate::{Database, Fault, Kind};

/// What was heard and not taken; more waits at the server.
const HEARD: usize = 256;
/// How often a silent connection is asked whether it is still there.
const ASK: Duration = Duration::from_secs(15);
/// How long it may take to say so, or to connect.
const PATIENCE: Duration = Duration::from_secs(2);

/// A connection that listens.
#[derive(Debug)]
pub struct Listener {
    client: Client,
    heard: mpsc::Receiver<String>,
}

impl Database {
    /// Connects and listens to a channel, a plain name.
    pub async fn listen(&self, channel: &'static str) -> Result<Listener, Fault> {
        let late = |_| Fault::new(Kind::Unavailable, "listening did not begin in time");
        tokio::time::timeout(PATIENCE, self.begin_to_listen(channel)).await.map_err(late)?
    }

    async fn begin_to_listen(&self, channel: &'static str) -> Result<Listener, Fault> {
        if self.way().await?.is_shared {
            // What is notified would reach whoever has the session then.
            return Err(Fault::new(Kind::Other, "a pooler shares sessions, so nobody can listen"));
        }
        let (client, mut connection) = self.connector().open().await?;
        let (tell, heard) = mpsc::channel(HEARD);
        tokio::spawn(async move {
            let mut messages = poll_fn(move |context| connection.poll_message(context));
            while let Some(message) = messages.next().await {
                match message {
                    Ok(AsyncMessage::Notification(said)) => {
                        if tell.send(said.payload().to_owned()).await.is_err() {
                            return;
                        }
                    }
                    Ok(_) => {}
                    Err(error) => {
                        tracing::debug!(%error, "the listening connection ended");
                        return;
                    }
                }
            }
        });
        client.batch_execute(&format!("listen {channel}")).await?;
        Ok(Listener { client, heard })
    }
}

impl Listener {
    /// The next thing that was notified; `None` when the connection is lost.
    pub async fn next(&mut self) -> Option<String> {
        loop {
            match tokio::time::timeout(ASK, self.heard.recv()).await {
                Ok(heard) => return heard,
                // A peer that vanished says nothing, whatever TCP believes.
                Err(_) => match tokio::time::timeout(PATIENCE, self.client.batch_execute("")).await {
                    Ok(Ok(())) => {}
                    Ok(Err(_)) | Err(_) => return None,
                },
            }
        }
    }
}
