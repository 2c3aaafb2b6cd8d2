//! Sends letters: takes those that are due, several at a time and each by itself, so that an
//! address that cannot be reached keeps no other one waiting. A letter whose sender was killed
//! between delivery and note is sent again; its `Message-ID` stays the same.

mod figures;
mod senders;

use std::sync::Arc;
use std::time::Duration;

use boot::{Background, Wake};
use futures::future::join_all;
use jiff::Timestamp;

pub use self::figures::MailFigures;
use self::senders::Sender;
use crate::credential::sealed_mail::MailSealer;
use crate::domain::delivery::{Attempt, LEASE, Waiting};
use crate::error::Error;
use crate::store::Store;

/// How often letters are looked for that another process wrote, or that are due again.
const EVERY: Duration = Duration::from_secs(2);
/// Letters that are sent at the same time.
const AT_ONCE: i64 = 8;
/// Rounds of a run, so that it ends in time however slow a server is.
const ROUNDS: usize = 50;
/// How long a run goes on to begin rounds.
const LONGEST: Duration = Duration::from_secs(20);
/// Letters of each kind that are counted.
const COUNTED: i64 = 10_000;

/// Starts the task, which does nothing where nobody takes letters.
pub fn start(
    room: &Background,
    store: &Store,
    sealer: MailSealer,
    figures: &Arc<MailFigures>,
) -> Result<Wake, String> {
    let sender = store.policy().mail.as_ref().map(Sender::of).transpose()?;
    let (sender, store, figures) = (sender.map(Arc::new), store.clone(), Arc::clone(figures));
    Ok(room.every(EVERY, "send mail", move || {
        let (sender, store, sealer) = (sender.clone(), store.clone(), sealer.clone());
        let figures = Arc::clone(&figures);
        async move {
            match sender {
                Some(sender) => run(&store, &sealer, &sender, &figures).await,
                None => Ok(()),
            }
        }
    }))
}

/// Sends what is due, and counts what is left.
async fn run(
    store: &Store,
    sealer: &MailSealer,
    sender: &Sender,
    figures: &MailFigures,
) -> Result<(), Error> {
    let sent = send(store, sealer, sender, figures).await;
    figures.counted(store.count_mail(COUNTED).await?);
    sent
}

async fn send(
    store: &Store,
    sealer: &MailSealer,
    sender: &Sender,
    figures: &MailFigures,
) -> Result<(), Error> {
    let began = Timestamp::now();
    for _ in 0..ROUNDS {
        let now = Timestamp::now();
        let taken = store.take_mail(now, now + LEASE, AT_ONCE).await?;
        if taken.is_empty() {
            return Ok(());
        }
        for done in join_all(taken.iter().map(|one| deliver(store, sealer, sender, one, figures))).await {
            done?;
        }
        if now.duration_since(began).unsigned_abs() > LONGEST {
            return Ok(());
        }
    }
    Ok(())
}

async fn deliver(
    store: &Store,
    sealer: &MailSealer,
    sender: &Sender,
    taken: &Waiting,
    figures: &MailFigures,
) -> Result<(), Error> {
    let attempt = match sealer.open(taken.id, &taken.sealed) {
        // Whoever gets it would follow a link that leads nowhere.
        _ if taken.is_over(Timestamp::now()) => Attempt::Never("its link no longer works".to_owned()),
        Ok(mail) => sender.deliver(taken, &mail).await,
        // Another master key may be set again.
        Err(error) => Attempt::Later(error.to_string()),
    };
    let now = Timestamp::now();
    let (failure, again) = match attempt {
        Attempt::Delivered => {
            figures.delivered(taken.created_at);
            return Ok(store.delete_mail(taken.id).await?);
        }
        Attempt::Later(failure) => (failure, taken.again(now)),
        Attempt::NotLetIn(failure) => {
            tracing::warn!(
                "no letter is taken from here: the receiver in MAIL_SENDER refuses the login, or has a certificate that is not trusted"
            );
            (failure, taken.again(now))
        }
        Attempt::Never(failure) => (failure, None),
    };
    figures.failed(again.is_some());
    // Neither the address nor what a server said of it is for the log.
    let Waiting { id, kind, attempts, .. } = taken;
    if again.is_some() {
        tracing::info!(mail = %id, kind, attempts, "mail was not delivered and is tried again");
    } else {
        tracing::warn!(mail = %id, kind, attempts, "mail cannot be delivered; frontdesk mail list says why");
    }
    let dead_at = again.is_none().then_some(now);
    Ok(store.delay_mail(taken, again.unwrap_or(now), &failure, dead_at).await?)
}
