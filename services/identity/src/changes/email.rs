//! Addresses of accounts: confirmed by a link that is sent there, and changed by one.
//!
//! An address becomes that of an account when its mailbox says so, and not before. Who asks
//! for the change learns nothing about whether the new address is somebody's: no letter goes
//! to one that is, and the answer is the same.

use jiff::Timestamp;

use super::factor::own_session;
use super::held::{lock_live_session, session_over};
use super::mail::mail;
use super::recovery::{LETTERS, link_invalid};
use super::sessions::Sessions;
use crate::actor::{Actor, SignedIn};
use crate::credential::one_time_token;
use crate::domain::audit::AuditAction;
use crate::domain::email::Email;
use crate::domain::field::InvalidField;
use crate::domain::mail::{Language, Letter};
use crate::domain::one_time_token::Purpose;
use crate::error::Error;
use crate::store::{Change, ConfirmedEmail};

impl Sessions {
    /// Sends a link to the address of the caller's account, unless it is confirmed.
    pub async fn request_confirmation(
        &self,
        by: SignedIn,
        language: Language,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<(), Error> {
        own_session(by)?;
        let policy = mail(&self.store)?;
        let (user, _) = self.store.get_user(by.user).await?.ok_or_else(session_over)?;
        if user.email_confirmed_at.is_some() {
            return Ok(());
        }
        let email = Email::read(&user.email)?;
        let buckets = self.buckets.letter(email.as_str(), actor.context.address);
        self.count_letter(&buckets, &LETTERS, now).await?;
        let (token, hash) = one_time_token::generate()?;
        let link = policy.links.link(Purpose::ConfirmEmail.page(), &token);
        Change::run(&self.store, async |change| {
            let purpose = Purpose::ConfirmEmail;
            change.insert_one_time_token(&hash, purpose, (Some(user.id), Some(user.id)), &user.email).await?;
            self.post.write(&change, &user.email, &Letter::ConfirmEmail { link: &link }, language).await?;
            Ok(change.settle().await?)
        })
        .await?;
        self.post.send();
        Ok(())
    }

    /// Sends a link to an address that makes it the address of the caller's account.
    pub async fn request_email_change(
        &self,
        by: SignedIn,
        email: &str,
        language: Language,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<(), Error> {
        // The account is its own: another issuer does not speak for its address.
        own_session(by)?;
        let policy = mail(&self.store)?;
        let email = Email::checked(email)?;
        let (user, _) = self.store.get_user(by.user).await?.ok_or_else(session_over)?;
        if email.stored().contains(&user.email) {
            return Err(InvalidField::new("email", "is the address that the account has").into());
        }
        let buckets = self.buckets.letter(email.as_str(), actor.context.address);
        self.count_letter(&buckets, &LETTERS, now).await?;
        let is_free = self.store.find_login(&email).await?.is_none();
        let (token, hash) = one_time_token::generate()?;
        let link = policy.links.link(Purpose::ChangeEmail.page(), &token);
        let letter = Letter::ChangeEmail { link: &link };
        Change::run(&self.store, async |change| {
            lock_live_session(&change, by).await?;
            // A link before this one ends either way, or it would tell whether there is another.
            let whose = (Some(by.user), is_free.then_some(by.user));
            change.insert_one_time_token(&hash, Purpose::ChangeEmail, whose, email.as_str()).await?;
            self.post.write(&change, &user.email, &Letter::EmailChangeAsked, language).await?;
            if is_free {
                self.post.write(&change, email.as_str(), &letter, language).await?;
            } else {
                self.post.pretend(&letter, language)?;
            }
            change.finish(actor.did(AuditAction::EmailChangeRequested)).await?;
            Ok(())
        })
        .await?;
        self.post.send();
        Ok(())
    }

    /// Uses a link that was sent to an address: it is confirmed, and the account's from now on.
    /// The address before it is told. Returns the address.
    pub async fn confirm_email(
        &self,
        token: &str,
        language: Language,
        actor: &Actor,
    ) -> Result<String, Error> {
        let hash = one_time_token::read(token).ok_or_else(link_invalid)?;
        let has_post = self.store.policy().mail.is_some();
        let email = Change::run(&self.store, async |change| {
            let ConfirmedEmail { user, new, old } =
                change.use_email_token(&hash).await?.ok_or_else(link_invalid)?;
            let action = if new == old {
                if !change.confirm_email(user, &new).await? {
                    return Err(link_invalid());
                }
                AuditAction::EmailConfirmed
            } else {
                match change.change_email(user, &old, &new).await {
                    Ok(Some(_)) => {}
                    // Somebody else has it meanwhile.
                    Ok(None) | Err(Error::AlreadyExists(_)) => return Err(link_invalid()),
                    Err(error) => return Err(error),
                }
                if has_post {
                    self.post.write(&change, &old, &Letter::EmailChanged, language).await?;
                }
                AuditAction::EmailChanged
            };
            change.finish(actor.did(action).by(Some(user))).await?;
            Ok(new)
        })
        .await?;
        self.post.send();
        Ok(email)
    }
}
