//! The roles as processes of their own, two of each service behind one gateway, and a
//! Postgres that can be killed.

use std::io::PipeReader;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::fixture::MASTER_KEY;
use crate::program::run::{Dev, Folder, free, frontdesk};
use crate::whole::crashes::Victim;

/// A process of the system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    Identity,
    Booking,
    Gateway,
    SecondIdentity,
    SecondBooking,
}

impl Role {
    const ALL: [Self; 5] =
        [Self::Identity, Self::Booking, Self::Gateway, Self::SecondIdentity, Self::SecondBooking];

    fn name(self) -> &'static str {
        match self {
            Self::Identity | Self::SecondIdentity => "identity",
            Self::Booking | Self::SecondBooking => "booking",
            Self::Gateway => "gateway",
        }
    }

    /// Whether another process does the same.
    pub fn is_one_of_two(self) -> bool {
        self != Self::Gateway
    }
}

/// Where a role writes its log.
#[derive(Debug, Clone, Copy)]
pub enum Log {
    File,
    /// On a disk without room.
    Full,
    /// To somebody who reads nothing, and may go.
    Reader,
}

pub struct Stage {
    pub postgres: Victim,
    pub url: String,
    folder: Folder,
    /// By the place of the role.
    addresses: Vec<String>,
    running: Vec<(Role, Dev)>,
    readers: Vec<PipeReader>,
}

impl Stage {
    /// On a database that is there.
    pub fn new(postgres: Victim, url: String) -> Self {
        let addresses: Vec<String> = Role::ALL.map(|_| free()).into();
        let mut stage = Self {
            postgres,
            url,
            folder: Folder::new(&format!("chaos-{}", addresses[0])),
            addresses,
            running: Vec::new(),
            readers: Vec::new(),
        };
        for role in Role::ALL {
            stage.start(role, Log::File);
        }
        stage
    }

    pub fn address(&self, role: Role) -> &str {
        &self.addresses[role as usize]
    }

    /// Starts a role that is not there.
    pub fn start(&mut self, role: Role, log: Log) {
        let file = || {
            let path = self.folder.path().join(format!("{role:?}"));
            std::fs::OpenOptions::new().create(true).append(true).open(path).unwrap()
        };
        let log = match log {
            Log::File => Stdio::from(file()),
            Log::Full => std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap().into(),
            Log::Reader => {
                let (reader, writer) = std::io::pipe().unwrap();
                self.readers.push(reader);
                writer.into()
            }
        };
        let key = MASTER_KEY.repeat(32);
        let both = |one: Role, other: Role| [self.address(one), self.address(other)].join(",");
        let identities = both(Role::Identity, Role::SecondIdentity);
        let bookings = both(Role::Booking, Role::SecondBooking);
        let own = self.address(role);
        let env = [
            ("DATABASE_URL", self.url.as_str()),
            ("FRONTDESK_MASTER_KEY", &key),
            ("IDENTITY_LISTEN", own),
            ("BOOKING_LISTEN", own),
            ("GATEWAY_LISTEN", own),
            ("IDENTITY_ADDR", &identities),
            ("BOOKING_ADDR", &bookings),
        ];
        let child = frontdesk(&[role.name()], &env).stdout(Stdio::null()).stderr(log).spawn().unwrap();
        self.running.push((role, Dev(child)));
    }

    /// Ends a role without a word.
    pub fn kill(&mut self, role: Role) {
        let place = self.running.iter().position(|(running, _)| *running == role).unwrap();
        // Dropping it kills it.
        self.running.swap_remove(place);
    }

    /// Whoever reads logs goes.
    pub fn readers_go(&mut self) {
        self.readers.clear();
    }

    /// Sends a signal to a role.
    pub fn signal(&self, role: Role, signal: &str) {
        let (_, process) = self.running.iter().find(|(running, _)| *running == role).unwrap();
        send(signal, &[process.0.id()]);
    }

    /// Sends a signal to every process of Postgres.
    pub fn signal_postgres(&self, signal: &str) {
        let first = self.postgres.pid();
        let children = std::fs::read_to_string(format!("/proc/{first}/task/{first}/children")).unwrap();
        let children = children.split_whitespace().map(|pid| pid.parse().unwrap());
        send(signal, &std::iter::once(first).chain(children).collect::<Vec<u32>>());
    }

    /// Every role ends when it is asked to, and none has panicked.
    pub fn stop(mut self) {
        for (role, process) in &mut self.running {
            let began = Instant::now();
            let ended = process.signal("-TERM");
            assert!(ended.success(), "{role:?}: {ended}");
            assert!(began.elapsed() < Duration::from_secs(15), "{role:?} took {:?}", began.elapsed());
        }
        for role in Role::ALL {
            let log = std::fs::read_to_string(self.folder.path().join(format!("{role:?}"))).unwrap();
            let panicked = log.lines().find(|line| line.contains("panicked"));
            assert_eq!(panicked, None, "{role:?}");
        }
    }
}

/// A process that is gone meanwhile needs no signal.
fn send(signal: &str, pids: &[u32]) {
    let pids = pids.iter().map(u32::to_string);
    let sent = Command::new("kill").arg(signal).args(pids).stderr(Stdio::null()).status();
    sent.unwrap();
}
