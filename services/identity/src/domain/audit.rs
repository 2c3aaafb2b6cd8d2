//! What is written into the audit log.

use jiff::Timestamp;

use super::ids::{ApiKeyId, AuditEventId, SessionId, TenantId, UserId};
use super::words::{words, written};

written! {
    /// What happened.
    pub enum AuditAction {
        /// Somebody signed in, or failed to.
        Login = "login",
        /// A login or password change was refused unchecked, after too many failures.
        LoginLimited = "login_limited",
        /// A user ended sessions.
        Logout = "logout",
        /// A user ended one other session.
        SessionRevoked = "session_revoked",
        /// A user changed the password, or failed to.
        PasswordChanged = "password_changed",
        /// Somebody used an old refresh token, which ended the session.
        RefreshTokenReused = "refresh_token_reused",
        /// A user proved again, by the password, to be that user, or failed to.
        Reauthenticated = "reauthenticated",
        /// A tenant asks others of its members for two factors.
        SecondFactorPolicyChanged = "second_factor_policy_changed",
        /// A user made a second factor, not verified yet.
        FactorEnrolled = "factor_enrolled",
        /// A user proved a second factor for the first time: it counts from then on.
        FactorActivated = "factor_activated",
        /// A user proved a second factor, or failed to.
        FactorVerified = "factor_verified",
        /// So many wrong codes of a second factor were sent that none is looked at any more.
        FactorLocked = "factor_locked",
        /// Somebody used what looks like a copy of a user's passkey: it has signed, and its counter
        /// does not go on. It was refused.
        PasskeyCopied = "passkey_copied",
        /// A user removed a second factor.
        FactorRemoved = "factor_removed",
        /// A user took a recovery code in place of a factor, or failed to.
        RecoveryCodeUsed = "recovery_code_used",
        /// A user made new recovery codes.
        RecoveryCodesMade = "recovery_codes_made",
        /// Somebody else removed all second factors of a user.
        FactorsReset = "factors_reset",
        /// An operator worked in a tenant of which it is not a member.
        OperatorAccess = "operator_access",
        /// A user was created.
        UserCreated = "user_created",
        /// A user took another name.
        UserRenamed = "user_renamed",
        /// A user was disabled.
        UserDisabled = "user_disabled",
        /// A user was enabled again.
        UserEnabled = "user_enabled",
        /// A subject of another issuer became a user.
        UserLinked = "user_linked",
        /// It is that user no more.
        UserUnlinked = "user_unlinked",
        /// A user got other scopes outside tenants.
        PlatformScopesChanged = "platform_scopes_changed",
        /// Somebody else set a user's password.
        PasswordSet = "password_set",
        /// Somebody asked for a link that sets a new password; failed if nobody got one.
        RecoveryRequested = "recovery_requested",
        /// A password was set by such a link.
        PasswordRecovered = "password_recovered",
        /// Failed logins of a user were forgiven.
        UserUnlocked = "user_unlocked",
        /// A user was deleted: who it was is not known any more.
        UserDeleted = "user_deleted",
        /// Somebody asked for a link that gives the account another address.
        EmailChangeRequested = "email_change_requested",
        /// The account got another address, whose mail is read.
        EmailChanged = "email_changed",
        /// The mail of the account's address is read.
        EmailConfirmed = "email_confirmed",
        /// A tenant was created.
        TenantCreated = "tenant_created",
        /// A tenant got another name.
        TenantRenamed = "tenant_renamed",
        /// A tenant was suspended.
        TenantSuspended = "tenant_suspended",
        /// The suspension of a tenant was ended.
        TenantResumed = "tenant_resumed",
        /// A tenant was closed, to be deleted after a wait.
        TenantDeleted = "tenant_deleted",
        /// It is not to be deleted any more.
        TenantRestored = "tenant_restored",
        /// The time was over in which a tenant could be restored; its deletion begins later.
        TenantPurgeDue = "tenant_purge_due",
        /// A tenant was deleted for good.
        TenantPurged = "tenant_purged",
        /// A user became a member.
        MemberAdded = "member_added",
        /// A member got another role.
        MemberRoleChanged = "member_role_changed",
        /// A member was removed.
        MemberRemoved = "member_removed",
        /// Somebody was invited.
        MemberInvited = "member_invited",
        /// The link of an invitation was sent to the address, in place of the one before it.
        InvitationSent = "invitation_sent",
        /// An invitation was ended.
        InvitationRevoked = "invitation_revoked",
        /// Somebody became a member by an invitation.
        InvitationAccepted = "invitation_accepted",
        /// Somebody does not want to become a member.
        InvitationDeclined = "invitation_declined",
        /// A member left.
        MemberLeft = "member_left",
        /// A tenant made a role.
        RoleCreated = "role_created",
        /// A role got other scopes.
        RoleUpdated = "role_updated",
        /// A role was deleted.
        RoleDeleted = "role_deleted",
        /// An API key was created.
        ApiKeyCreated = "api_key_created",
        /// An API key got a new secret.
        ApiKeyRotated = "api_key_rotated",
        /// A client got other keys to sign assertions with.
        ClientKeysSet = "client_keys_set",
        /// A client got a token.
        TokenIssued = "token_issued",
        /// A client got a token to act for a user.
        TokenExchanged = "token_exchanged",
        /// A platform operator got a token to see what a member sees.
        ViewedAs = "viewed_as",
        /// An API key was ended.
        ApiKeyRevoked = "api_key_revoked",
        /// The first signing key was made.
        SigningKeyCreated = "signing_key_created",
        /// A signing key was published.
        SigningKeyPublished = "signing_key_published",
        /// A signing key began to sign.
        SigningKeyActivated = "signing_key_activated",
        /// The trust in a signing key was ended.
        SigningKeyRevoked = "signing_key_revoked",
        /// Another master key seals.
        MasterKeyRotated = "master_key_rotated",
    }
}

words! {
    /// How it ended.
    pub enum Outcome {
        /// It was done.
        Success = "success",
        /// It was refused.
        Failure = "failure",
    }
}

impl AuditAction {
    /// Whether it is something that users do with accounts of their own, in no tenant.
    pub fn is_of_the_account(self) -> bool {
        matches!(
            self,
            Self::Login
                | Self::LoginLimited
                | Self::Logout
                | Self::SessionRevoked
                | Self::PasswordChanged
                | Self::RefreshTokenReused
                | Self::Reauthenticated
                | Self::UserRenamed
                | Self::FactorEnrolled
                | Self::FactorActivated
                | Self::FactorVerified
                | Self::FactorLocked
                | Self::PasskeyCopied
                | Self::FactorRemoved
                | Self::RecoveryCodeUsed
                | Self::RecoveryCodesMade
                | Self::RecoveryRequested
                | Self::PasswordRecovered
                | Self::EmailChangeRequested
                | Self::EmailChanged
                | Self::EmailConfirmed
        )
    }
}

/// A stored event.
#[derive(Debug)]
pub struct RecordedEvent {
    /// Its id.
    pub id: AuditEventId,
    /// When it happened.
    pub at: Timestamp,
    /// What happened. Text, since the log also holds the words of later versions
    /// and nothing is decided by it.
    pub action: String,
    /// How it ended.
    pub outcome: Outcome,
    /// In which tenant.
    pub tenant: Option<TenantId>,
    /// Who did it.
    pub user: Option<UserId>,
    /// In which session.
    pub session: Option<SessionId>,
    /// With which API key.
    pub api_key: Option<ApiKeyId>,
    /// Whose token it was, if not one of ours.
    pub issuer: String,
    /// The method that was called.
    pub method: String,
    /// What it was about.
    pub subject: String,
    /// The client's address.
    pub address: String,
    /// Id of the request, as in the log.
    pub request_id: String,
    /// How often it happened.
    pub times: i32,
    /// Why, if somebody had to say so.
    pub reason: String,
    /// The client that acted for the user, if one did.
    pub acting_client: Option<ApiKeyId>,
}

impl RecordedEvent {
    /// The session that it was about, if it was one.
    pub fn about_session(&self) -> Option<SessionId> {
        let is_about_one = self.action == AuditAction::SessionRevoked.word();
        if is_about_one { self.subject.parse().ok().map(SessionId) } else { None }
    }
}
