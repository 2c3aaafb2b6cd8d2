//! How the readers of this process and of others learn that something is new.
//!
//! Whoever stores an event notes its tenant in this process after the commit
//! (`store/new_events.rs`). One task takes what is noted, wakes the reader here, and tells
//! other processes at once, with one NOTIFY for everything that comes together after
//! that: inside a change it would make every commit of the database wait for the one
//! before. Another task, while somebody watches, listens on a connection of its own.
//! A notice is a hint: it may be lost, and readers look for themselves now and then.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::Duration;

use boot::Background;
use uuid::Uuid;

use super::hubs::Hubs;
use crate::store::{NewEvents, Store};

/// How long what is noted is gathered after a notice to other processes, before the next
/// one.
const GATHER: Duration = Duration::from_millis(25);
/// Most tenants that one notice names; Postgres takes 8,000 bytes. Without a name it is
/// for all.
const NAMED: usize = 200;
/// How long it takes until listening is tried again, at first and at most.
const AGAIN: Duration = Duration::from_millis(250);
const AGAIN_AT_MOST: Duration = Duration::from_secs(5);
/// In place of the name of a process, of one that does not listen.
const NOBODY: &str = "nobody";

/// Starts both tasks. They end with the server.
pub fn start(hubs: &Arc<Hubs>, background: &Background) {
    let origin: Arc<str> = format!("{:016x}", RandomState::new().hash_one("frontdesk")).into();
    let (of, mine) = (Arc::clone(hubs), Arc::clone(&origin));
    background.lasting("tell of events", move || tell(Arc::clone(&of), Arc::clone(&mine)));
    let of = Arc::clone(hubs);
    background.lasting("hear of events", move || listen(Arc::clone(&of), Arc::clone(&origin)));
}

/// Tells other processes what is noted in one that has no feed.
pub async fn tell_others(store: &Store) {
    let tenants = store.new_events().take();
    if tenants.is_empty() {
        return;
    }
    if let Err(fault) = store.notify_watchers(&notice(NOBODY, &tenants)).await {
        tracing::debug!(%fault, "servers were not notified of events; they look for themselves");
    }
}

/// Wakes whoever reads here at once, and tells other processes beside it.
async fn tell(hubs: Arc<Hubs>, origin: Arc<str>) {
    let untold = NewEvents::default();
    let wake = async {
        loop {
            let tenants = hubs.store.new_events().come().await;
            hubs.wake(&tenants);
            untold.add_all(&tenants);
        }
    };
    let notify = async {
        loop {
            let tenants = untold.come().await;
            if let Err(fault) = hubs.store.notify_watchers(&notice(&origin, &tenants)).await {
                tracing::debug!(%fault, "other processes were not notified of events; they look for themselves");
            }
            tokio::time::sleep(GATHER).await;
        }
    };
    tokio::join!(wake, notify);
}

async fn listen(hubs: Arc<Hubs>, origin: Arc<str>) {
    let mut pause = AGAIN;
    loop {
        hubs.set_heard(false);
        hubs.watched().await;
        match hubs.store.hear().await {
            Ok(mut listener) => {
                pause = AGAIN;
                hubs.set_heard(true);
                // Notices from before this were not heard.
                hubs.wake_all();
                while let Some(notice) = listener.next().await {
                    match named(&notice, &origin) {
                        Notice::Own => {}
                        Notice::Of(tenants) => hubs.wake(&tenants),
                        Notice::OfAll => hubs.wake_all(),
                    }
                    if !hubs.are_watched() {
                        break;
                    }
                }
            }
            Err(fault) => {
                tracing::debug!(%fault, "other processes are not heard");
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(AGAIN_AT_MOST);
            }
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Notice {
    /// The notice of this process.
    Own,
    Of(HashSet<Uuid>),
    OfAll,
}

fn notice(origin: &str, tenants: &HashSet<Uuid>) -> String {
    let mut said = origin.to_owned();
    if tenants.len() <= NAMED {
        for tenant in tenants {
            // Writing to a string does not fail.
            let _ = write!(said, " {}", tenant.simple());
        }
    }
    said
}

/// Anybody who may connect can notify; what cannot be read may be about anything.
fn named(notice: &str, origin: &str) -> Notice {
    let mut words = notice.split(' ');
    if words.next() == Some(origin) {
        return Notice::Own;
    }
    match words.map(Uuid::try_parse).collect::<Result<HashSet<_>, _>>() {
        Ok(tenants) if !tenants.is_empty() => Notice::Of(tenants),
        Ok(_) | Err(_) => Notice::OfAll,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notice_names_its_tenants_or_is_for_all() {
        let few: HashSet<Uuid> = (1..=200).map(Uuid::from_u128).collect();
        let many: HashSet<Uuid> = (1..=201).map(Uuid::from_u128).collect();
        let said = notice("there", &few);
        assert!(said.len() < 8000, "{}", said.len());
        assert_eq!(named(&said, "here"), Notice::Of(few.clone()));
        assert_eq!(named(&said, "there"), Notice::Own);
        for all in [notice("there", &many), "there".to_owned(), String::new(), "there x".to_owned()] {
            assert_eq!(named(&all, "here"), Notice::OfAll, "{all}");
        }
    }
}
