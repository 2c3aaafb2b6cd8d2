//! Sessions.

use jiff::Timestamp;
use pg::{Columns, Fault};

use super::change::Change;
use super::database::Store;
use super::users::user;
use crate::domain::ids::{SessionId, UserId};
use crate::domain::proof::{Method, Proof, Proofs};
use crate::domain::rotation;
use crate::domain::session::{ABSOLUTE, EndedBecause, IDLE, NewSession, Session, Which};
use crate::domain::user::User;

pg::statements! {
    /// Starts a session, unless its user may not sign in any more.
    InsertSession<'a> = "insert_session" (
        id: SessionId, user: UserId, at: Timestamp, idle_expires_at: Timestamp, expires_at: Timestamp,
        address: &'a str, user_agent: &'a str, password_version: i32, method: &'a str
    );
    /// Starts a session with a passkey.
    InsertSessionOfPasskey<'a> = "insert_session_of_passkey" (
        id: SessionId, user: UserId, at: Timestamp, idle_expires_at: Timestamp, expires_at: Timestamp,
        address: &'a str, user_agent: &'a str, method: &'a str
    );
    /// A session with its user, locked.
    LockSession = "lock_session" (id: SessionId);
    /// Makes the next refresh token of a session.
    RotateSession = "rotate_session" (
        id: SessionId, counter: i64, at: Timestamp, idle_expires_at: Timestamp
    );
    /// Notes that a second factor was proved in a session, if one was, and makes its next
    /// refresh token.
    StepUpSession<'a> = "step_up_session" (
        id: SessionId, user: UserId, method: Option<&'a str>, at: Timestamp, idle_expires_at: Timestamp
    );
    /// Notes that the password was proved again, and makes the next refresh token.
    ProveSessionAgain = "prove_session_again" (
        id: SessionId, user: UserId, at: Timestamp, idle_expires_at: Timestamp
    );
    /// Notes that no second factor was proved.
    ForgetSecondProof = "forget_second_proof" (id: SessionId);
    /// A session of a user, if it lives, held.
    HoldSession = "hold_session" (session: SessionId, user: UserId, at: Timestamp);
    /// Ends one session.
    EndSession<'a> = "end_session" (id: SessionId, at: Timestamp, because: &'a str);
    /// Ends live sessions of a user.
    EndSessions<'a> = "end_sessions" (
        user: UserId, only: Option<SessionId>, but: Option<SessionId>, at: Timestamp, because: &'a str
    );
    /// Live sessions of a user, newest first.
    ListSessions = "list_sessions" (user: UserId, now: Timestamp);
    /// Remembers that tokens of a counter are in use.
    MarkSessionUsed = "mark_session_used" (id: SessionId, counter: i64);
    /// Forgets sessions that were over before a time, so many at most.
    ForgetSessions = "forget_sessions" (before: Timestamp, most: i32);
}

impl Store {
    pub async fn list_sessions(&self, user: UserId, now: Timestamp) -> Result<Vec<Session>, Fault> {
        Columns::all(&self.run(&ListSessions { user, now }).await?, session)
    }

    pub async fn mark_session_used(&self, id: SessionId, counter: i64) -> Result<(), Fault> {
        self.run(&MarkSessionUsed { id, counter }).await.map(drop)
    }

    /// Forgets sessions that began before a time and are over, and returns how many.
    pub async fn forget_sessions(&self, before: Timestamp, most: i32) -> Result<i64, Fault> {
        let rows = self.run(&ForgetSessions { before, most }).await?;
        Columns::first(&rows, |row| row.next("forgotten")).map(Option::unwrap_or_default)
    }
}

impl Change {
    /// Not stored when the user was disabled or the password set in the meantime.
    pub async fn insert_session(&self, session: &NewSession<'_>) -> Result<bool, Fault> {
        let NewSession { id, user, address, user_agent, password_version, by } = *session;
        let at = self.at();
        let (idle_expires_at, expires_at) = (at + IDLE, at + ABSOLUTE);
        let insert = InsertSession {
            id,
            user,
            at,
            idle_expires_at,
            expires_at,
            address,
            user_agent,
            password_version,
            method: by.word(),
        };
        Ok(!self.query(&insert).await?.is_empty())
    }

    /// Starts a session with a passkey, of a user who is locked.
    pub async fn insert_session_of_passkey(
        &self,
        (id, user): (SessionId, UserId),
        address: &str,
        user_agent: &str,
    ) -> Result<(), Fault> {
        let (at, method) = (self.at(), Method::Passkey.word());
        let (idle_expires_at, expires_at) = (at + IDLE, at + ABSOLUTE);
        let insert =
            InsertSessionOfPasskey { id, user, at, idle_expires_at, expires_at, address, user_agent, method };
        self.query(&insert).await.map(drop)
    }

    /// Whether a session of a user lives, which it does until this change is stored.
    pub async fn hold_session(&self, session: SessionId, user: UserId) -> Result<bool, Fault> {
        Ok(!self.query(&HoldSession { session, user, at: self.at() }).await?.is_empty())
    }

    pub async fn lock_session(&self, id: SessionId) -> Result<Option<(rotation::Session, User)>, Fault> {
        Columns::first(&self.query(&LockSession { id }).await?, |row| {
            let session = rotation::Session {
                counter: row.next("counter")?,
                used_counter: row.next("used_counter")?,
                rotated_at: row.next("rotated_at")?,
                expires_at: row.next("session_expires_at")?,
                ended: row.next("ended")?,
                proofs: proofs(row)?,
            };
            Ok((session, user(row)?))
        })
    }

    /// Makes the next refresh token and commits; the token's counter, unless the
    /// session has moved on.
    pub async fn rotate_session(self, id: SessionId, counter: i64) -> Result<Option<i64>, Fault> {
        let at = self.at();
        let rotate = RotateSession { id, counter, at, idle_expires_at: at + IDLE };
        Columns::first(&self.finish_with(&rotate).await?, |row| row.next("counter"))
    }

    /// Notes which second factor was proved, and makes the next refresh token: its counter,
    /// with all that was proved; nothing if the session is over. Without a method what was
    /// proved before stays as it is.
    pub async fn step_up_session(
        &self,
        (id, user): (SessionId, UserId),
        by: Option<Method>,
    ) -> Result<Option<(i64, Proofs)>, Fault> {
        let (at, method) = (self.at(), by.map(Method::word));
        let step = StepUpSession { id, user, method, at, idle_expires_at: at + IDLE };
        Columns::first(&self.query(&step).await?, |row| Ok((row.next("counter")?, proofs(row)?)))
    }

    /// The same, where the password was proved again.
    pub async fn prove_session_again(
        &self,
        id: SessionId,
        user: UserId,
    ) -> Result<Option<(i64, Proofs)>, Fault> {
        let at = self.at();
        let prove = ProveSessionAgain { id, user, at, idle_expires_at: at + IDLE };
        Columns::first(&self.query(&prove).await?, |row| Ok((row.next("counter")?, proofs(row)?)))
    }

    /// Notes that no second factor counts in a session any more.
    pub async fn forget_second_proof(&self, id: SessionId) -> Result<(), Fault> {
        self.query(&ForgetSecondProof { id }).await.map(drop)
    }

    pub async fn end_session(&self, id: SessionId, because: EndedBecause) -> Result<(), Fault> {
        self.query(&EndSession { id, at: self.at(), because: because.word() }).await.map(drop)
    }

    /// Ends live sessions of a user and returns how many.
    pub async fn end_sessions(
        &self,
        user: UserId,
        which: Which,
        because: EndedBecause,
    ) -> Result<i64, Fault> {
        let (only, but) = match which {
            Which::One(session) => (Some(session), None),
            Which::AllBut(session) => (None, Some(session)),
            Which::All => (None, None),
        };
        let end = EndSessions { user, only, but, at: self.at(), because: because.word() };
        let ended = Columns::first(&self.query(&end).await?, |row| row.next("ended"))?;
        Ok(ended.unwrap_or_default())
    }
}

fn proofs(row: &mut Columns<'_>) -> Result<Proofs, Fault> {
    // A word that a later version writes ends no session of this one.
    let first = Proof { by: Method::of_word(row.next("method")?), at: row.next("proved_at")? };
    let second: &str = row.next("second_method")?;
    let by = (!second.is_empty()).then(|| Method::of_word(second));
    let at: Option<Timestamp> = row.next("second_at")?;
    Ok(Proofs { first, second: by.zip(at).map(|(by, at)| Proof { by, at }) })
}

fn session(row: &mut Columns<'_>) -> Result<Session, Fault> {
    Ok(Session {
        id: row.next("id")?,
        created_at: row.next("created_at")?,
        refreshed_at: row.next("rotated_at")?,
        expires_at: row.next("session_expires_at")?,
        address: row.next("address")?,
        user_agent: row.next("user_agent")?,
    })
}
