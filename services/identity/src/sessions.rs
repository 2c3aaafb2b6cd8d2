//! Sessions: login, refresh, logout, one transaction each.

use std::time::Duration;

use frontdesk_proto::{ErrorReason, Refusal};
use jiff::{SignedDuration, Timestamp};
use pg::retrying;
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::actor::{AuditEvent, Context, event};
use crate::domain::email::normalised_email;
use crate::domain::limits::{self, Buckets, Limits};
use crate::domain::rotation::{self, Verdict};
use crate::error::Error;
use crate::keyring::Keyring;
use crate::password::{Checked, MAX_LEN, Passwords, check_new};
use crate::secrets::{RefreshToken, Secrets};
use crate::store::{LoginRow, NewSession, SessionRow, Store, UserRow};

/// How long a session lives without a refresh.
const IDLE: SignedDuration = SignedDuration::from_hours(7 * 24);
/// How long a session lives at most.
const ABSOLUTE: SignedDuration = SignedDuration::from_hours(30 * 24);

/// What sessions need.
#[derive(Debug, Clone)]
pub struct Sessions {
    pub store: Store,
    pub secrets: Secrets,
    pub keyring: Keyring,
    pub passwords: Passwords,
    pub limits: Limits,
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
    pub async fn login(
        &self,
        email: &str,
        password: Zeroizing<String>,
        context: &Context,
    ) -> Result<Tokens, Error> {
        let email = normalised_email(email);
        if email.is_empty() {
            return Err(Refusal::field("email", "is needed").into());
        }
        let found = self.store.find_login(&email).await?;
        let user = found.as_ref().map(|row| row.user.id);
        let checked = self.check(&email, found, password, "password", "login", context).await?;
        let now = Timestamp::now();
        if let Some(row) = checked
            && row.user.disabled_at.is_none()
            && let Some(tokens) = self.start(row, context, now).await?
        {
            return Ok(tokens);
        }
        self.store.audit(event("login", false, user, context), now).await?;
        Err(Refusal::new(ErrorReason::LoginFailed, "E-mail and password do not match a user.").into())
    }

    /// Exchanges a refresh token. The end of a misused session is committed
    /// although the call fails.
    pub async fn refresh(&self, text: &str, context: &Context) -> Result<Tokens, Error> {
        let Some(token) = self.secrets.read_refresh_token(text.trim()) else { return Err(over().into()) };
        retrying(|| self.exchange(token, context)).await
    }

    /// Ends sessions of a user and returns how many.
    pub async fn logout(
        &self,
        user: access::User,
        scope: LogoutScope,
        context: &Context,
    ) -> Result<i64, Error> {
        let which = match scope {
            LogoutScope::Local => "local",
            LogoutScope::Others => "others",
            LogoutScope::Global => "global",
        };
        let now = Timestamp::now();
        let tx = self.store.begin().await?;
        let ended = self.store.end_sessions(&tx, user.id, user.session, now, which, "logout").await?;
        let event = AuditEvent {
            session: Some(user.session),
            subject: which.to_owned(),
            ..event("logout", true, Some(user.id), context)
        };
        self.store.audit_and_commit(tx, event, now).await?;
        Ok(ended)
    }

    /// A user's live sessions.
    pub async fn list(&self, user: access::User) -> Result<Vec<SessionRow>, Error> {
        Ok(self.store.list_sessions(user.id, Timestamp::now()).await?)
    }

    /// Ends one session of a user.
    pub async fn revoke(&self, user: access::User, session: Uuid, context: &Context) -> Result<(), Error> {
        let now = Timestamp::now();
        let tx = self.store.begin().await?;
        if self.store.end_sessions(&tx, user.id, session, now, "local", "revoked").await? == 0 {
            return Err(Refusal::new(
                ErrorReason::SessionNotFound,
                "You have no live session with this id. GET /v1/auth/sessions lists them.",
            )
            .into());
        }
        let event = AuditEvent {
            session: Some(user.session),
            subject: session.to_string(),
            ..event("session_revoked", true, Some(user.id), context)
        };
        Ok(self.store.audit_and_commit(tx, event, now).await?)
    }

    /// Sets a new password for a user who knows the current one, and ends the
    /// user's other sessions.
    pub async fn change_password(
        &self,
        user: access::User,
        current: Zeroizing<String>,
        new: Zeroizing<String>,
        context: &Context,
    ) -> Result<i64, Error> {
        check_new("new_password", &new)?;
        let found = self.store.get_login(user.id).await?;
        let email = found.as_ref().map(|row| row.user.email.clone()).unwrap_or_default();
        let checked =
            self.check(&email, found, current, "current_password", "password_change", context).await?;
        let (now, session) = (Timestamp::now(), Some(user.session));
        let Some(row) = checked else {
            return Err(self.password_wrong(user, context, now).await);
        };
        let hash = self.passwords.hash(new).await?;
        let tx = self.store.begin().await?;
        if !self.store.set_password(&tx, user.id, &hash, Some(row.password_version)).await? {
            return Err(self.password_wrong(user, context, now).await);
        }
        let ended =
            self.store.end_sessions(&tx, user.id, user.session, now, "others", "password_changed").await?;
        let event = AuditEvent { session, ..event("password_changed", true, Some(user.id), context) };
        self.store.audit_and_commit(tx, event, now).await?;
        Ok(ended)
    }

    async fn password_wrong(&self, user: access::User, context: &Context, now: Timestamp) -> Error {
        let event = AuditEvent {
            session: Some(user.session),
            ..event("password_changed", false, Some(user.id), context)
        };
        if let Err(fault) = self.store.audit(event, now).await {
            return fault.into();
        }
        Refusal::new(
            ErrorReason::PasswordWrong,
            "The current password does not match. The password is unchanged.",
        )
        .violation("current_password", "does not match")
        .into()
    }

    /// The login if the password is right. Failures are counted and limited; the
    /// work is the same whether the user exists.
    async fn check(
        &self,
        email: &str,
        found: Option<LoginRow>,
        password: Zeroizing<String>,
        field: &str,
        action: &'static str,
        context: &Context,
    ) -> Result<Option<LoginRow>, Error> {
        if password.is_empty() || password.chars().count() > MAX_LEN {
            return Err(Refusal::field(field, format!("takes 1 to {MAX_LEN} characters")).into());
        }
        let address = context.address.map(|address| address.to_string()).unwrap_or_default();
        let buckets = Buckets {
            pair: self.secrets.bucket(&["pair", email, &address]),
            account: self.secrets.bucket(&["account", email]),
            address: self.secrets.bucket(&["address", &address]),
        };
        // The limit is looked up with the turn in hand: a burst cannot outrun it by more than the cores.
        let turn = self.passwords.turn().await?;
        let now = Timestamp::now();
        let failures = self.store.login_failures(&buckets, now).await?;
        if let Some(until) = limits::blocked_until(&self.limits, &failures) {
            drop(turn);
            let user = found.as_ref().map(|row| row.user.id);
            self.store.audit(event("login_limited", false, user, context), now).await?;
            return Err(too_many(until, now).into());
        }
        let stored = found.as_ref().and_then(|row| row.password_hash.clone());
        let checked = self.passwords.check(turn, password, stored.clone()).await?;
        let Some(row) = found.filter(|_| checked != Checked::Wrong) else {
            self.store.count_login_failure(&buckets, now, now + self.limits.window).await?;
            return Ok(None);
        };
        if row.user.disabled_at.is_some() {
            // Counted like a wrong password: the limit must not tell a disabled user either.
            self.store.count_login_failure(&buckets, now, now + self.limits.window).await?;
            return Ok(Some(row));
        }
        if let (Checked::RightAndRehashed(new), Some(old)) = (checked, stored) {
            self.store.rehash_password(row.user.id, &old, &new).await?;
            tracing::info!(action, "password stored at the current cost");
        }
        self.store.remember_pair(&buckets, now).await?;
        Ok(Some(row))
    }

    /// Nothing when the user was disabled, or got another password, meanwhile.
    async fn start(&self, row: LoginRow, context: &Context, now: Timestamp) -> Result<Option<Tokens>, Error> {
        let LoginRow { user, password_hash: _, password_version } = row;
        let address = context.address.map(|address| address.to_string()).unwrap_or_default();
        let session = NewSession {
            id: Uuid::now_v7(),
            user: user.id,
            at: now,
            idle_expires_at: now + IDLE,
            expires_at: now + ABSOLUTE,
            address: &address,
            user_agent: &context.user_agent,
            password_version,
        };
        let tx = self.store.begin().await?;
        if !self.store.insert_session(&tx, &session).await? {
            return Ok(None);
        }
        let event = AuditEvent { session: Some(session.id), ..event("login", true, Some(user.id), context) };
        self.store.audit_and_commit(tx, event, now).await?;
        self.tokens(user, RefreshToken { session: session.id, counter: 0 }, now).map(Some)
    }

    async fn exchange(&self, token: RefreshToken, context: &Context) -> Result<Tokens, Error> {
        let now = Timestamp::now();
        let tx = self.store.begin().await?;
        let Some((session, user)) = self.store.lock_session(&tx, token.session).await? else {
            return Err(over().into());
        };
        match rotation::judge(&session, token.counter, now) {
            Verdict::Rotate => {
                let rotated =
                    self.store.rotate_session(tx, token.session, token.counter, now, now + IDLE).await?;
                let counter = rotated.ok_or_else(over)?;
                self.tokens(user, RefreshToken { counter, ..token }, now)
            }
            Verdict::Repeat => {
                tx.commit().await?;
                self.tokens(user, RefreshToken { counter: session.counter, ..token }, now)
            }
            Verdict::Reused => {
                self.store.end_reused_session(&tx, token.session, now).await?;
                let event = AuditEvent {
                    session: Some(token.session),
                    ..event("refresh_token_reused", false, Some(user.id), context)
                };
                self.store.audit_and_commit(tx, event, now).await?;
                tracing::warn!(session = %token.session, "refresh token reused, session ended");
                Err(Refusal::new(
                    ErrorReason::RefreshTokenReused,
                    "The refresh token had been used before, so somebody else may hold it; the session has been ended. Sign in again.",
                )
                .into())
            }
            Verdict::Ended => Err(over().into()),
        }
    }

    fn tokens(&self, user: UserRow, refresh: RefreshToken, now: Timestamp) -> Result<Tokens, Error> {
        let access =
            self.keyring.access_token(&user, refresh.session, refresh.counter, Uuid::now_v7(), now)?;
        Ok(Tokens { access, refresh: self.secrets.refresh_token(refresh), user })
    }
}

fn over() -> Refusal {
    Refusal::new(
        ErrorReason::RefreshTokenInvalid,
        "The refresh token is not valid or its session is over. Sign in again.",
    )
}

fn too_many(until: Timestamp, now: Timestamp) -> Refusal {
    let seconds = until.duration_since(now).as_secs().max(1).unsigned_abs();
    Refusal::new(
        ErrorReason::TooManyAttempts,
        format!("Too many failed logins for this account or from this address. Try again in {seconds} s."),
    )
    .retry_after(Duration::from_secs(seconds))
}
