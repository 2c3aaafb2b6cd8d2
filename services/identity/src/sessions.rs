//! Login, refresh and logout, one transaction each.

use frontdesk_proto::{ErrorReason, Refusal};
use jiff::{SignedDuration, Timestamp};
use pg::retrying;
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::domain::rotation::{self, Verdict};
use crate::error::Error;
use crate::keyring::Keyring;
use crate::password::{MAX_LEN, Passwords};
use crate::secrets::{RefreshToken, Secrets};
use crate::store::{AuditEvent, NewSession, Store, UserRow};

/// How long a session lives without a refresh.
const IDLE: SignedDuration = SignedDuration::from_hours(7 * 24);
/// How long a session lives at most.
const ABSOLUTE: SignedDuration = SignedDuration::from_hours(30 * 24);

/// What login and refresh need.
#[derive(Debug, Clone)]
pub struct Sessions {
    pub store: Store,
    pub secrets: Secrets,
    pub keyring: Keyring,
    pub passwords: Passwords,
}

/// The tokens of a session.
#[derive(Debug)]
pub struct Tokens {
    pub access: String,
    pub refresh: String,
    pub user: UserRow,
}

/// Which sessions a logout ends.
#[derive(Debug, Clone, Copy)]
pub enum LogoutScope {
    Local,
    Others,
    Global,
}

impl Sessions {
    /// Starts a session.
    pub async fn login(&self, email: &str, password: Zeroizing<String>) -> Result<Tokens, Error> {
        let email = normalised_email(email);
        if email.is_empty() {
            return Err(Refusal::field("email", "is needed").into());
        }
        if password.is_empty() || password.chars().count() > MAX_LEN {
            return Err(Refusal::field("password", format!("takes 1 to {MAX_LEN} characters")).into());
        }
        let found = self.store.find_login(&email).await?;
        let (user, stored, disabled) = match found {
            Some(row) => (Some(row.user), row.password_hash, row.disabled),
            None => (None, None, false),
        };
        let matches = self.passwords.check(password, stored).await?;
        let now = Timestamp::now();
        match user {
            Some(user) if matches && !disabled => self.start(user, now).await,
            user => {
                let event = AuditEvent {
                    id: Uuid::now_v7(),
                    at: now,
                    action: "login",
                    success: false,
                    tenant: None,
                    user: user.map(|user| user.id),
                    session: None,
                };
                self.store.insert_audit_event(&event).await?;
                Err(Refusal::new(ErrorReason::LoginFailed, "E-mail and password do not match a user.").into())
            }
        }
    }

    /// Exchanges a refresh token. The end of a misused session is committed
    /// although the call fails.
    pub async fn refresh(&self, text: &str) -> Result<Tokens, Error> {
        let Some(token) = self.secrets.read_refresh_token(text.trim()) else { return Err(ended().into()) };
        retrying(|| self.exchange(token)).await
    }

    /// Ends sessions of a user and returns how many.
    pub async fn logout(&self, user: access::User, scope: LogoutScope) -> Result<i64, Error> {
        let which = match scope {
            LogoutScope::Local => "local",
            LogoutScope::Others => "others",
            LogoutScope::Global => "global",
        };
        Ok(self.store.end_sessions(user.id, user.session, Timestamp::now(), which, Uuid::now_v7()).await?)
    }

    async fn start(&self, user: UserRow, now: Timestamp) -> Result<Tokens, Error> {
        let session = NewSession {
            id: Uuid::now_v7(),
            user: user.id,
            at: now,
            idle_expires_at: now + IDLE,
            expires_at: now + ABSOLUTE,
        };
        self.store.insert_session(&session, Uuid::now_v7()).await?;
        self.tokens(user, RefreshToken { session: session.id, counter: 0 }, now)
    }

    async fn exchange(&self, token: RefreshToken) -> Result<Tokens, Error> {
        let now = Timestamp::now();
        let tx = self.store.db.begin_global().await?;
        let Some((session, user)) = self.store.lock_session(&tx, token.session).await? else {
            return Err(ended().into());
        };
        match rotation::judge(&session, token.counter, now) {
            Verdict::Rotate => {
                let rotated =
                    self.store.rotate_session(tx, token.session, token.counter, now, now + IDLE).await?;
                let counter = rotated.ok_or_else(ended)?;
                self.tokens(user, RefreshToken { counter, ..token }, now)
            }
            Verdict::Repeat => {
                tx.commit().await?;
                self.tokens(user, RefreshToken { counter: session.counter, ..token }, now)
            }
            Verdict::Reused => {
                self.store.end_reused_session(tx, token.session, now, Uuid::now_v7()).await?;
                tracing::warn!(session = %token.session, "refresh token reused, session ended");
                Err(Refusal::new(
                    ErrorReason::RefreshTokenReused,
                    "The refresh token had been used before, so somebody else may hold it; the session has been ended. Sign in again.",
                )
                .into())
            }
            Verdict::Ended => Err(ended().into()),
        }
    }

    fn tokens(&self, user: UserRow, refresh: RefreshToken, now: Timestamp) -> Result<Tokens, Error> {
        let access =
            self.keyring.access_token(&user, refresh.session, refresh.counter, Uuid::now_v7(), now)?;
        Ok(Tokens { access, refresh: self.secrets.refresh_token(refresh), user })
    }
}

/// The form in which e-mail addresses are stored and compared.
pub fn normalised_email(email: &str) -> String {
    email.trim().to_lowercase()
}

fn ended() -> Refusal {
    Refusal::new(
        ErrorReason::RefreshTokenInvalid,
        "The refresh token is not valid or its session is over. Sign in again.",
    )
}
