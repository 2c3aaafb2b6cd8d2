//! A forgotten password: a link to the address of the account, and a new password for it.
//!
//! Whoever asks gets one answer, after almost the same work, whether the address is somebody's. How
//! often letters go to one address, or are asked for from one, is limited before anything
//! else is done.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use zeroize::Zeroizing;

use super::mail::mail;
use super::sessions::Sessions;
use crate::actor::{Actor, SignedIn};
use crate::credential::one_time_token;
use crate::credential::password_rules::check_new;
use crate::domain::audit::AuditAction;
use crate::domain::email::Email;
use crate::domain::field::InvalidField;
use crate::domain::limits::{self, Blocked, Buckets, Limits};
use crate::domain::mail::{Language, Letter};
use crate::domain::one_time_token::Purpose;
use crate::domain::session::{EndedBecause, Which};
use crate::domain::user::{Login, User, UserKind};
use crate::error::{Error, Reason, Refusal};
use crate::store::Change;

/// Letters that may be asked for: to one address, and from one.
pub(super) const LETTERS: Limits =
    Limits { pair: 0, account: 5, address: 30, window: SignedDuration::from_hours(1) };

impl Sessions {
    /// Sends a link to whoever has this address, if it is the address of somebody who can
    /// sign in.
    pub async fn request_recovery(
        &self,
        email: &Email,
        language: Language,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<(), Error> {
        let policy = mail(&self.store)?;
        if email.as_str().is_empty() {
            return Err(InvalidField::new("email", "is needed").into());
        }
        let buckets = self.buckets.letter(email.as_str(), actor.context.address);
        self.count_letter(&buckets, &LETTERS, now).await?;
        let found = self.store.find_login(email).await?.map(|login| login.user);
        let user = found.map(|user| user.id);
        let (token, hash) = one_time_token::generate()?;
        let link = policy.links.link(Purpose::Recover.page(), &token);
        let letter = Letter::Recover { link: &link };
        Change::run(&self.store, async |change| {
            let asked = actor.did(AuditAction::RecoveryRequested).by(user);
            // Whoever ends links waits for this one, or this for that; whether there is a user or not.
            let locked = change.lock_factors_of(user.unwrap_or_default()).await?;
            let to = locked.filter(|user| may_recover(user) && email.stored().contains(&user.email));
            let whose = to.as_ref().map(|to| to.id);
            let stored = to.as_ref().map_or(email.as_str(), |to| &to.email);
            change.insert_one_time_token(&hash, Purpose::Recover, (whose, whose), stored).await?;
            let asked = match &to {
                Some(to) => {
                    self.post.write(&change, &to.email, &letter, language).await?;
                    asked
                }
                None => {
                    self.post.pretend(&letter, language)?;
                    asked.refused()
                }
            };
            change.finish(asked).await?;
            Ok(())
        })
        .await?;
        self.post.send();
        Ok(())
    }

    /// Sets a password by a link, and ends all sessions of its user; returns how many.
    pub async fn recover_password(
        &self,
        token: &str,
        password: Zeroizing<String>,
        language: Language,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<i64, Error> {
        let hash = one_time_token::read(token).ok_or_else(link_invalid)?;
        // Before any work is done for it: a password is hashed for those only who have a link.
        let found = self.store.find_one_time_token(&hash, Purpose::Recover, now).await?;
        let user = found.ok_or_else(link_invalid)?;
        check_new("password", &password, &user.email)?;
        let hashed = self.passwords.hash(password, actor.context.address).await?;
        let has_post = self.store.policy().mail.is_some();
        // As a login names them.
        let email = Email::read(&user.email)?;
        let buckets = self.buckets.attempt(email.as_str(), actor.context.address);
        let ended = Change::run(&self.store, async |change| {
            let id = change.use_one_time_token(&hash, Purpose::Recover).await?.ok_or_else(link_invalid)?;
            change.set_password(id, &hashed, None).await?;
            change.keep_passkeys_beside(id).await?;
            change.confirm_email(id, &user.email).await?;
            let ended = change.end_sessions(id, Which::All, EndedBecause::PasswordChanged).await?;
            // Who has read the mail is no stranger to the account, whatever was tried before.
            change.remember_pair(&buckets).await?;
            if has_post {
                self.post.write(&change, &user.email, &Letter::PasswordRecovered, language).await?;
            }
            change.finish(actor.did(AuditAction::PasswordRecovered).by(Some(id))).await?;
            Ok(ended)
        })
        .await?;
        self.post.send();
        Ok(ended)
    }

    /// Sets the password of a user in a session that began with a link, and ends the other
    /// sessions; returns how many.
    pub async fn change_password_by_link(
        &self,
        by: SignedIn,
        password: Zeroizing<String>,
        language: Language,
        actor: &Actor,
    ) -> Result<i64, Error> {
        let Login { user, password_version, .. } =
            self.store.get_login(by.user).await?.ok_or(Error::PasswordWrong)?;
        check_new("new_password", &password, &user.email)?;
        let hashed = self.passwords.hash(password, actor.context.address).await?;
        let has_post = self.store.policy().mail.is_some();
        let ended = Change::run(&self.store, async |change| {
            // The user before the session, as whoever ends sessions.
            change.lock_factors_of(by.user).await?.ok_or(Error::PasswordWrong)?;
            // It may have been ended while the password was hashed.
            let session = change.lock_session(by.session).await?;
            let by_link = session.is_some_and(|(session, of)| {
                let lives = !session.ended && session.expires_at > change.at();
                lives && of.id == by.user && session.proofs.is_by_link(change.at())
            });
            if !by_link || !change.set_password(by.user, &hashed, Some(password_version)).await? {
                return Err(Error::PasswordWrong);
            }
            change.keep_passkeys_beside(by.user).await?;
            let others = Which::AllBut(by.session);
            let ended = change.end_sessions(by.user, others, EndedBecause::PasswordChanged).await?;
            if has_post {
                self.post.write(&change, &user.email, &Letter::PasswordRecovered, language).await?;
            }
            change.finish(actor.did(AuditAction::PasswordRecovered)).await?;
            Ok(ended)
        })
        .await?;
        self.post.send();
        Ok(ended)
    }

    /// Counts somebody who asks for a letter, and refuses one too many.
    pub(super) async fn count_letter(
        &self,
        buckets: &Buckets,
        limits: &Limits,
        now: Timestamp,
    ) -> Result<(), Error> {
        // Who is over a limit costs a read and no write.
        let before = self.store.login_failures(buckets, now).await?;
        let blocked = match limits::blocked(limits, buckets, &before) {
            Some(blocked) => Some(blocked),
            None => {
                let counted = self.store.count_mail_request(buckets, now, now + limits.window).await?;
                limits::blocked(&limits.counting_this_one(), buckets, &counted)
            }
        };
        blocked.map_or(Ok(()), |blocked| Err(too_many_letters(&blocked, now)))
    }
}

pub(super) fn too_many_letters(blocked: &Blocked, now: Timestamp) -> Error {
    let seconds = blocked.until.duration_since(now).as_secs().max(1).unsigned_abs();
    Refusal::new(
        Reason::TooManyAttempts,
        format!(
            "Too many letters were asked for: to this address, from this client, or by this tenant. Look into the mailbox, or try again in {seconds} s."
        ),
    )
    .retry_after(Duration::from_secs(seconds))
    .into()
}

/// Whether somebody recovers a password: a person who can sign in.
fn may_recover(user: &User) -> bool {
    user.kind == UserKind::Person && user.disabled_at.is_none()
}

/// One answer for every way in which a link can be wrong.
pub(super) fn link_invalid() -> Error {
    Refusal::new(
        Reason::LinkInvalid,
        "The link does not work: it or another one was used, it is too old, or a newer one took its place. Nothing was changed; ask for another one.",
    )
    .into()
}
