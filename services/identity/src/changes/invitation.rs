//! Invitations: a person becomes a member when that person accepts, and not before. Who
//! invites learns nothing about whether the address is a user's.
//!
//! Nobody offers more than they hold, and what somebody offered ends when they are removed or
//! get another role, their role grants less, they are disabled or deleted, or the key is revoked
//! with which it was done. What an operator offered where no membership allows it ends with the
//! operator.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use zeroize::Zeroizing;

use super::held::{hold_caller, still_held};
use super::mail::mail;
use super::member::{lock_given_role, lock_role};
use super::recovery::{link_invalid, too_many_letters};
use super::sessions::Sessions;
use crate::actor::{Actor, AuditEvent, SignedIn};
use crate::credential::one_time_token;
use crate::credential::password_rules::check_new;
use crate::domain::audit::AuditAction;
use crate::domain::email::Email;
use crate::domain::field;
use crate::domain::ids::{InvitationId, TenantId, UserId};
use crate::domain::invitation::{Invitation, Offer, PAGE, StillOffers};
use crate::domain::limits::{self, Blocked, Limits};
use crate::domain::mail::{Language, Letter};
use crate::domain::roles::Role;
use crate::domain::scopes::{Holds, MANAGE_MEMBERS, OPERATE};
use crate::domain::tenant::Tenant;
use crate::domain::user::{User, UserKind};
use crate::error::{Error, Existing, Reason, Refusal};
use crate::store::{Change, NewInvitation, Store};

/// Letters in an hour: to one address, whoever sends them, and of one tenant, whomever they go to.
const LETTERS: Limits = Limits { pair: 0, account: 10, address: 200, window: SignedDuration::from_hours(1) };

/// Links in a day that members of a tenant send themselves: no letter limits them.
const LINKS: Limits = Limits { pair: 0, account: 0, address: 1000, window: SignedDuration::from_hours(24) };

/// Whom to invite.
#[derive(Debug)]
pub struct Invite {
    /// The address, as somebody wrote it.
    pub email: String,
    /// The name of the role.
    pub role: String,
    /// Whether the caller sends the link.
    pub return_token: bool,
    /// The language of the letter.
    pub language: Language,
}

/// An invitation with its token, which is stored nowhere, if the caller sends the link.
#[derive(Debug)]
pub struct Invited {
    /// The invitation.
    pub invitation: Invitation,
    /// The token; none if a letter was written.
    pub token: Option<Zeroizing<String>>,
}

/// An invitation that is to be stored.
#[derive(Debug)]
pub(super) struct Prepared {
    email: Email,
    token: Zeroizing<String>,
    hash: [u8; 32],
    /// Leads to the page that accepts; none if the caller sends it.
    link: Option<String>,
    /// The name of who invites; may be empty.
    inviter: String,
    language: Language,
}

/// Somebody new, who accepts.
#[derive(Debug)]
pub struct Newcomer {
    /// Its id.
    pub id: UserId,
    /// Name shown to people; may be empty.
    pub display_name: String,
    /// The password.
    pub password: Zeroizing<String>,
}

impl Sessions {
    /// Invites whoever has an address.
    pub async fn invite(&self, tenant: TenantId, invite: Invite, actor: &Actor) -> Result<Invited, Error> {
        let prepared = self.prepare(&invite, actor).await?;
        let of_tenant = self.store.get_tenant(tenant).await?.ok_or(Error::TenantNotFound)?;
        let invitation = Change::run(&self.store, async |change| {
            // Invitations of a tenant come one after the other, and none comes after its maker
            // was removed.
            change.lock_tenant(tenant).await?;
            let held = still_held(&change, tenant, actor, MANAGE_MEMBERS).await?;
            let role = lock_given_role(&change, tenant, &invite.role, actor).await?;
            held.check(&role.scopes())?;
            if change.is_member(tenant, &prepared.email).await? {
                return Err(Error::AlreadyExists(Existing::Member));
            }
            let (stored, invited) = self.put(&change, &of_tenant, &role, &prepared, actor, &held).await?;
            change.finish(invited).await?;
            Ok(stored)
        })
        .await?;
        self.post.send();
        let token = invite.return_token.then_some(prepared.token);
        Ok(Invited { invitation, token })
    }

    /// What an invitation needs beside the transaction: its token, and who invites.
    pub(super) async fn prepare(&self, invite: &Invite, actor: &Actor) -> Result<Prepared, Error> {
        let email = Email::checked(&invite.email)?;
        let policy = if invite.return_token { None } else { Some(mail(&self.store)?) };
        let (token, hash) = one_time_token::generate()?;
        let link = policy.map(|policy| policy.links.link(PAGE, &token));
        let inviter = self.inviter(actor).await?;
        Ok(Prepared { email, token, hash, link, inviter, language: invite.language })
    }

    /// Stores an invitation of whoever holds this still, and writes its letter; what happened is
    /// for the caller to record.
    pub(super) async fn put<'call>(
        &self,
        change: &Change,
        of_tenant: &Tenant,
        role: &Role,
        prepared: &Prepared,
        actor: &'call Actor,
        held: &Holds,
    ) -> Result<(Invitation, AuditEvent<'call>), Error> {
        let Prepared { email, token: _, hash, link, inviter, language } = prepared;
        // Who could make the account anyway is believed about its address.
        let proves_address = link.is_some() || held.check([&OPERATE.to_owned()]).is_ok();
        let new = NewInvitation {
            id: InvitationId(Change::new_id()),
            email: email.as_str(),
            role: role.name(),
            secret_hash: hash,
            proves_address,
            invited_by: actor.user.map(|by| by.user),
            invited_by_key: actor.api_key,
        };
        let stored = change.insert_invitation(of_tenant.id, &new).await?;
        if let Some(link) = link {
            // What is refused is counted by nobody.
            self.count_invitation(change, of_tenant.id, email.as_str()).await?;
            let (tenant, role) = (of_tenant.name.as_str(), role.name());
            let letter = Letter::Invitation { tenant, inviter, role, link };
            let of = (of_tenant.id, stored.expires_at);
            self.post.write_of_tenant(change, of, email.as_str(), &letter, *language).await?;
        } else {
            self.count_link(change, of_tenant.id).await?;
        }
        let invited = actor.did(AuditAction::MemberInvited).in_tenant(of_tenant.id);
        let invited = invited.about(format!("{} {}", stored.id, stored.role));
        Ok((stored, invited))
    }

    /// Sends the link of an invitation to the address that was invited, in place of the one
    /// that whoever invited has brought: with it an account is made.
    pub async fn send_invitation(
        &self,
        token: &str,
        language: Language,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<(), Error> {
        let hash = one_time_token::read(token).ok_or_else(link_invalid)?;
        let policy = mail(&self.store)?;
        let offer = self.store.find_offer(&hash, now).await?.ok_or_else(link_invalid)?;
        let (token, new_hash) = one_time_token::generate()?;
        let link = policy.links.link(PAGE, &token);
        Change::run(&self.store, async |change| {
            if !change.send_invitation(&offer, &hash, &new_hash).await? {
                return Err(link_invalid());
            }
            self.count_invitation(&change, offer.tenant, &offer.email).await?;
            let Offer { tenant_name, inviter, role, .. } = &offer;
            let letter = Letter::Invitation { tenant: tenant_name, inviter, role, link: &link };
            let of = (offer.tenant, offer.expires_at);
            self.post.write_of_tenant(&change, of, &offer.email, &letter, language).await?;
            let sent = actor.did(AuditAction::InvitationSent).in_tenant(offer.tenant);
            change.finish(sent.about(offer.id)).await?;
            Ok(())
        })
        .await?;
        self.post.send();
        Ok(())
    }

    /// Counts a letter of a tenant to an address, and refuses one too many.
    async fn count_invitation(&self, change: &Change, tenant: TenantId, email: &str) -> Result<(), Error> {
        let buckets = self.buckets.invitation(tenant, email);
        let counted = change.count_mail_request(&buckets, change.at() + LETTERS.window).await?;
        match limits::blocked(&LETTERS.counting_this_one(), &buckets, &counted) {
            Some(blocked) => Err(too_many_letters(&blocked, change.at())),
            None => Ok(()),
        }
    }

    /// Counts a link that a tenant sends itself, and refuses one too many.
    async fn count_link(&self, change: &Change, tenant: TenantId) -> Result<(), Error> {
        let buckets = self.buckets.invitation_link(tenant);
        let counted = change.count_mail_request(&buckets, change.at() + LINKS.window).await?;
        match limits::blocked(&LINKS.counting_this_one(), &buckets, &counted) {
            Some(blocked) => Err(too_many_links(&blocked, change.at())),
            None => Ok(()),
        }
    }

    /// What whoever has a link is offered, and whether the address is a user's: whoever got the
    /// link by a letter may know that.
    pub async fn offer(&self, token: &str, now: Timestamp) -> Result<(Offer, bool), Error> {
        let hash = one_time_token::read(token).ok_or_else(link_invalid)?;
        let offer = self.store.find_offer(&hash, now).await?.ok_or_else(link_invalid)?;
        let found = self.store.find_login(&Email::read(&offer.email)?).await?;
        let has_account = offer.proves_address && found.is_some();
        Ok((offer, has_account))
    }

    /// The name of whoever invites; empty for keys and those without a name.
    async fn inviter(&self, actor: &Actor) -> Result<String, Error> {
        let Some(by) = actor.user else { return Ok(String::new()) };
        let found = self.store.get_user(by.user).await?;
        Ok(found.map(|(user, _)| user.display_name).unwrap_or_default())
    }

    /// Accepts an invitation with a new account: whoever has the link reads the mail of the
    /// address.
    pub async fn join(
        &self,
        token: &str,
        newcomer: Newcomer,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<(User, Offer), Error> {
        let hash = one_time_token::read(token).ok_or_else(link_invalid)?;
        // Before any work is done for it.
        let offer = self.store.find_offer(&hash, now).await?.ok_or_else(link_invalid)?;
        if !offer.proves_address {
            return Err(Refusal::new(
                Reason::InvitationNeedsLetter,
                "The link does not show that you read the mail of the address that was invited, so no account is made with it. Nothing was stored: POST /v1/invitations/letter sends a link to that address.",
            )
            .into());
        }
        let Newcomer { id, display_name, password } = newcomer;
        let display_name = field::name("display_name", &display_name, true)?;
        check_new("password", &password, &offer.email)?;
        if self.store.find_login(&Email::read(&offer.email)?).await?.is_some() {
            return Err(has_account());
        }
        let hashed = self.passwords.hash(password, actor.context.address).await?;
        Change::run(&self.store, async |change| {
            let user = User {
                id,
                email: offer.email.clone(),
                display_name: display_name.clone(),
                kind: UserKind::Person,
                created_at: change.at(),
                disabled_at: None,
                email_confirmed_at: Some(change.at()),
            };
            let user = change.insert_user(&user, Some(&hashed), &[]).await.map_err(|error| match error {
                Error::AlreadyExists(_) => has_account(),
                other => other,
            })?;
            let created = actor.did(AuditAction::UserCreated).by(Some(id)).about(id);
            change.note(&created).await?;
            let offer = join_as(&change, &hash, id, actor).await?;
            finish_join(change, &offer, id, actor).await?;
            Ok((user, offer))
        })
        .await
    }
}

/// Accepts an invitation as the user that has signed in, whose address it must be.
pub async fn accept(store: &Store, token: &str, by: SignedIn, actor: &Actor) -> Result<Offer, Error> {
    let hash = one_time_token::read(token).ok_or_else(link_invalid)?;
    Change::run(store, async |change| {
        let offer = join_as(&change, &hash, by.user, actor).await?;
        let of = change.get_login(by.user).await?.ok_or(Error::UserNotFound)?;
        let (user, own) = (&of.user, Email::read(&of.user.email)?);
        if own.as_str() != offer.email && !own.stored().contains(&offer.email) {
            return Err(Refusal::new(
                Reason::InvitationForAnother,
                "The invitation is for another e-mail address than that of your account. Nothing was changed: sign in with the account of that address, or have yourself invited with this one.",
            )
            .into());
        }
        if offer.proves_address && !change.confirm_email(by.user, &user.email).await? {
            return Err(link_invalid());
        }
        finish_join(change, &offer, by.user, actor).await?;
        Ok(offer)
    })
    .await
}

/// Declines an invitation.
pub async fn decline(store: &Store, token: &str, actor: &Actor) -> Result<(), Error> {
    let hash = one_time_token::read(token).ok_or_else(link_invalid)?;
    Change::run(store, async |change| {
        let offer = change.find_offer(&hash).await?.ok_or_else(link_invalid)?;
        if !change.decide_invitation(&offer, &hash, false).await? {
            return Err(link_invalid());
        }
        let declined = actor.did(AuditAction::InvitationDeclined).in_tenant(offer.tenant);
        change.finish(declined.about(offer.id)).await?;
        Ok(())
    })
    .await
}

/// Ends an open invitation.
pub async fn revoke(store: &Store, tenant: TenantId, id: InvitationId, actor: &Actor) -> Result<(), Error> {
    Change::run(store, async |change| {
        still_held(&change, tenant, actor, MANAGE_MEMBERS).await?;
        if !change.revoke_invitation(tenant, id).await? {
            return Err(Refusal::new(
                Reason::InvitationNotFound,
                "The tenant has no open invitation with this id. GET /v1/tenants/{tenant_id}/invitations lists them.",
            )
            .into());
        }
        change.finish(actor.did(AuditAction::InvitationRevoked).in_tenant(tenant).about(id)).await?;
        Ok(())
    })
    .await
}

/// Ends for good what somebody offered in whatever tenant, but where that goes on as it says.
pub(super) async fn end_offers(
    change: &Change,
    of: UserId,
    stays: StillOffers,
    actor: &Actor,
) -> Result<(), Error> {
    for (tenant, id) in change.revoke_offers_of(of, stays).await? {
        change.note(&actor.did(AuditAction::InvitationRevoked).in_tenant(tenant).about(id)).await?;
    }
    Ok(())
}

/// Uses an invitation up and makes a user a member by it. Of two at once one finds it open.
async fn join_as(change: &Change, hash: &[u8], user: UserId, actor: &Actor) -> Result<Offer, Error> {
    let found = change.find_offer(hash).await?.ok_or_else(link_invalid)?;
    change.lock_tenant(found.tenant).await?;
    // Before any of them: who accepts and who invited may be some.
    change.lock_operators().await?;
    change.hold_inviter(found.tenant, hash).await?;
    hold_caller(change, actor).await?;
    let offer = change.hold_offer(found.tenant, hash).await?.ok_or_else(link_invalid)?;
    let role = lock_role(change, offer.tenant, &offer.role).await?;
    if !change.decide_invitation(&offer, hash, true).await? {
        return Err(link_invalid());
    }
    change.insert_member(offer.tenant, user, &role).await?;
    Ok(offer)
}

async fn finish_join(change: Change, offer: &Offer, user: UserId, actor: &Actor) -> Result<(), Error> {
    let accepted = actor.did(AuditAction::InvitationAccepted).by(Some(user)).in_tenant(offer.tenant);
    change.finish(accepted.about(format!("{} {}", offer.id, offer.role))).await?;
    Ok(())
}

fn too_many_links(blocked: &Blocked, now: Timestamp) -> Error {
    let seconds = blocked.until.duration_since(now).as_secs().max(1).unsigned_abs();
    Refusal::new(
        Reason::TooManyAttempts,
        format!(
            "The tenant has made as many links of invitations as it may in a day. Nothing was stored: try again in {seconds} s, or have the link sent by a letter."
        ),
    )
    .retry_after(Duration::from_secs(seconds))
    .into()
}

/// Whoever has the link may know it: it went to the mailbox of the account.
fn has_account() -> Error {
    Refusal::new(
        Reason::AlreadyExists,
        "There is an account with the address that was invited. Nothing was stored: sign in with it, and accept the invitation then.",
    )
    .into()
}
