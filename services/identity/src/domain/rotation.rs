//! What a refresh token is worth.

use jiff::{SignedDuration, Timestamp};

use super::proof::Proofs;

/// How long the token before the newest may be sent again, whatever happened
/// to the newest.
pub const GRACE: SignedDuration = SignedDuration::from_secs(10);

/// A session as stored.
#[derive(Debug, Clone, Copy)]
pub struct Session {
    /// Counter of the newest token.
    pub counter: i64,
    /// Highest counter whose tokens have been seen in use.
    pub used_counter: i64,
    /// When the newest token was made.
    pub rotated_at: Timestamp,
    /// The earlier of idle and absolute expiry.
    pub expires_at: Timestamp,
    /// Whether it was ended, or its user disabled.
    pub ended: bool,
    /// What its user has proved in it.
    pub proofs: Proofs,
}

/// What to do with a refresh token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is the newest: make its successor.
    Rotate,
    /// It was exchanged a moment ago, or the exchange's answer never arrived:
    /// give the same successor again.
    Repeat,
    /// A proof has just taken its place, beside whoever sends it: it is worth nothing, and
    /// nobody need have stolen it.
    Superseded,
    /// Somebody uses an old token: end the session.
    Reused,
    /// The session is over.
    Ended,
}

/// Judges a token by its counter.
pub fn judge(session: &Session, counter: i64, now: Timestamp) -> Verdict {
    if session.ended || session.expires_at <= now {
        return Verdict::Ended;
    }
    if counter == session.counter {
        return Verdict::Rotate;
    }
    let previous = counter == session.counter - 1;
    let fresh = now.duration_since(session.rotated_at) <= GRACE;
    let successor_unused = session.used_counter < session.counter;
    if previous && (fresh || successor_unused) {
        return Verdict::Repeat;
    }
    // A proof counts by two, so that the token before it gets nothing of what it gave.
    // Not the latest: clocks of replicas differ.
    let by_proof = session.proofs.latest_first().iter().any(|proof| proof.at == session.rotated_at);
    if counter == session.counter - 2 && by_proof && fresh { Verdict::Superseded } else { Verdict::Reused }
}

#[cfg(test)]
mod tests {
    use super::super::proof::{Method, Proof};
    use super::*;

    fn session() -> Session {
        Session {
            counter: 5,
            used_counter: 4,
            rotated_at: at(0),
            expires_at: at(1000),
            ended: false,
            proofs: Proofs::beginning(Method::Password, at(-100)),
        }
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    #[test]
    fn each_counter_gets_its_verdict() {
        let unused = session();
        let used = Session { used_counter: 5, ..session() };
        let proved = Proofs { second: Some(Proof { by: Method::Totp, at: at(20) }), ..used.proofs };
        let proved = Session { rotated_at: at(20), proofs: proved, ..used };
        let rotated_since = Session { rotated_at: at(21), ..proved };
        let ahead = Proofs { first: Proof { at: at(25), ..proved.proofs.first }, ..proved.proofs };
        let proved_by_clocks_apart = Session { proofs: ahead, ..proved };
        for (session, counter, second, expected) in [
            (proved_by_clocks_apart, 3, 21, Verdict::Superseded),
            (unused, 5, 1, Verdict::Rotate),
            (used, 5, 500, Verdict::Rotate),
            (unused, 4, 1, Verdict::Repeat),
            (unused, 4, 500, Verdict::Repeat),
            (used, 4, 10, Verdict::Repeat),
            (used, 4, 11, Verdict::Reused),
            (rotated_since, 3, 22, Verdict::Reused),
            (proved, 3, 20, Verdict::Superseded),
            (proved, 3, 30, Verdict::Superseded),
            (proved, 3, 31, Verdict::Reused),
            (proved, 2, 20, Verdict::Reused),
            (proved, 4, 20, Verdict::Repeat),
            (proved, 5, 20, Verdict::Rotate),
            (Session { ended: true, ..proved }, 3, 20, Verdict::Ended),
            (unused, 3, 1, Verdict::Reused),
            (unused, 6, 1, Verdict::Reused),
            (unused, -1, 1, Verdict::Reused),
            (unused, 5, 1000, Verdict::Ended),
            (Session { ended: true, ..unused }, 5, 1, Verdict::Ended),
            (Session { ended: true, ..unused }, 3, 1, Verdict::Ended),
        ] {
            assert_eq!(judge(&session, counter, at(second)), expected, "{session:?} {counter} {second}");
        }
    }
}
