//! AuthService: sessions and passwords of users.

use frontdesk_proto::identity::v1 as wire;
use frontdesk_proto::identity::v1::auth_service_server::AuthService;
use jiff::Timestamp;
use tonic::{Request, Response, Status};
use zeroize::Zeroizing;

use super::identity::Identity;
use super::wire::{count, factor, id, language, timestamp, user};
use crate::changes::factor::Challenge;
use crate::changes::logout::{self, LogoutScope};
use crate::changes::sessions::Tokens;
use crate::domain::email::Email;
use crate::domain::field::InvalidField;
use crate::domain::ids::SessionId;
use crate::domain::session::Session;
use crate::error::Error;

/// The answer of a call that signs in: each has a message of its own, with the same fields.
macro_rules! signed_in {
    ($answer:ident, $tokens:expr) => {{
        let Tokens { access, refresh, user: owner, factors } = $tokens;
        Response::new(wire::$answer {
            access,
            refresh,
            token_type: "bearer".to_owned(),
            expires_in: access::LIFETIME.cast_signed(),
            user: Some(user(owner)),
            factors: factors.into_iter().map(factor).collect(),
        })
    }};
}

#[tonic::async_trait]
impl AuthService for Identity {
    async fn login(
        &self,
        request: Request<wire::LoginRequest>,
    ) -> Result<Response<wire::LoginResponse>, Status> {
        let actor = Self::stranger(&request);
        let wire::LoginRequest { email, password } = request.into_inner();
        let (email, password) = (Email::read(&email), Zeroizing::new(password));
        let email = email.map_err(Error::from)?;
        let tokens = self.sessions.login(&email, password, &actor, Timestamp::now).await?;
        Ok(signed_in!(LoginResponse, tokens))
    }

    async fn refresh(
        &self,
        request: Request<wire::RefreshRequest>,
    ) -> Result<Response<wire::RefreshResponse>, Status> {
        let actor = Self::stranger(&request);
        let wire::RefreshRequest { refresh, access_is_used_first } = request.get_ref();
        let tokens = self.sessions.refresh(refresh, *access_is_used_first, &actor).await?;
        Ok(signed_in!(RefreshResponse, tokens))
    }

    async fn logout(
        &self,
        request: Request<wire::LogoutRequest>,
    ) -> Result<Response<wire::LogoutResponse>, Status> {
        let (by, actor) = Self::user(&request)?;
        let scope = match wire::LogoutScope::try_from(request.get_ref().scope) {
            Ok(wire::LogoutScope::Unspecified | wire::LogoutScope::Local) => LogoutScope::Local,
            Ok(wire::LogoutScope::Others) => LogoutScope::Others,
            Ok(wire::LogoutScope::Global) => LogoutScope::Global,
            Err(_) => {
                let invalid = InvalidField::new("scope", "takes local, others or global");
                return Err(Error::from(invalid).into());
            }
        };
        if !matches!(scope, LogoutScope::Local) {
            access::two_factors_if_enrolled(&access::caller(&request)?)?;
        }
        let ended = logout::logout(self.store(), by, scope, &actor).await?;
        Ok(Response::new(wire::LogoutResponse { ended_sessions: count(ended) }))
    }

    async fn change_password(
        &self,
        request: Request<wire::ChangePasswordRequest>,
    ) -> Result<Response<wire::ChangePasswordResponse>, Status> {
        let ((by, actor), language) = (Self::user(&request)?, language(&request));
        let wire::ChangePasswordRequest { current_password, new_password } = request.into_inner();
        let (current, new) = (Zeroizing::new(current_password), Zeroizing::new(new_password));
        if current.is_empty() {
            let ended = self.sessions.change_password_by_link(by, new, language, &actor).await?;
            return Ok(Response::new(wire::ChangePasswordResponse { ended_sessions: count(ended) }));
        }
        let ended = self.sessions.change_password(by, current, new, &actor, Timestamp::now).await?;
        Ok(Response::new(wire::ChangePasswordResponse { ended_sessions: count(ended) }))
    }

    async fn challenge_passkey(
        &self,
        _: Request<wire::ChallengePasskeyRequest>,
    ) -> Result<Response<wire::ChallengePasskeyResponse>, Status> {
        let Challenge { text, expires_at, options } = self.sessions.challenge_passkey(Timestamp::now())?;
        let expires_at = Some(timestamp(expires_at));
        Ok(Response::new(wire::ChallengePasskeyResponse { challenge: text, expires_at, options }))
    }

    async fn login_with_passkey(
        &self,
        request: Request<wire::LoginWithPasskeyRequest>,
    ) -> Result<Response<wire::LoginWithPasskeyResponse>, Status> {
        let (actor, language) = (Self::stranger(&request), language(&request));
        let (credential, now) = (&request.get_ref().credential, Timestamp::now());
        let tokens = self.sessions.login_with_passkey(credential, language, &actor, now).await?;
        Ok(signed_in!(LoginWithPasskeyResponse, tokens))
    }

    async fn reauthenticate(
        &self,
        request: Request<wire::ReauthenticateRequest>,
    ) -> Result<Response<wire::ReauthenticateResponse>, Status> {
        let (by, actor) = Self::user(&request)?;
        let password = Zeroizing::new(request.into_inner().current_password);
        let tokens = self.sessions.reauthenticate(by, password, &actor, Timestamp::now).await?;
        Ok(signed_in!(ReauthenticateResponse, tokens))
    }

    async fn request_password_recovery(
        &self,
        request: Request<wire::RequestPasswordRecoveryRequest>,
    ) -> Result<Response<wire::RequestPasswordRecoveryResponse>, Status> {
        let (actor, language) = (Self::stranger(&request), language(&request));
        let email = Email::read(&request.get_ref().email).map_err(Error::from)?;
        self.sessions.request_recovery(&email, language, &actor, Timestamp::now()).await?;
        Ok(Response::new(wire::RequestPasswordRecoveryResponse {}))
    }

    async fn recover_password(
        &self,
        request: Request<wire::RecoverPasswordRequest>,
    ) -> Result<Response<wire::RecoverPasswordResponse>, Status> {
        let (actor, language) = (Self::stranger(&request), language(&request));
        let wire::RecoverPasswordRequest { token, password } = request.into_inner();
        let (token, password) = (Zeroizing::new(token), Zeroizing::new(password));
        let recovered = self.sessions.recover_password(&token, password, language, &actor, Timestamp::now());
        Ok(Response::new(wire::RecoverPasswordResponse { ended_sessions: count(recovered.await?) }))
    }

    async fn sign_in_by_link(
        &self,
        request: Request<wire::SignInByLinkRequest>,
    ) -> Result<Response<wire::SignInByLinkResponse>, Status> {
        let actor = Self::stranger(&request);
        let token = Zeroizing::new(request.into_inner().token);
        let tokens = self.sessions.sign_in_by_link(&token, &actor).await?;
        Ok(signed_in!(SignInByLinkResponse, tokens))
    }

    async fn list_sessions(
        &self,
        request: Request<wire::ListSessionsRequest>,
    ) -> Result<Response<wire::ListSessionsResponse>, Status> {
        let (by, _) = Self::user(&request)?;
        let found = self.store().list_sessions(by.user, Timestamp::now()).await.map_err(Error::from)?;
        let sessions = found.into_iter().map(|found| session(found, by.session)).collect();
        Ok(Response::new(wire::ListSessionsResponse { sessions }))
    }

    async fn revoke_session(
        &self,
        request: Request<wire::RevokeSessionRequest>,
    ) -> Result<Response<wire::RevokeSessionResponse>, Status> {
        let (by, actor) = Self::user(&request)?;
        let session: SessionId = id("session_id", &request.get_ref().session_id)?;
        logout::revoke(self.store(), by, session, &actor).await?;
        Ok(Response::new(wire::RevokeSessionResponse {}))
    }
}

fn session(session: Session, current: SessionId) -> wire::Session {
    let Session { id, created_at, refreshed_at, expires_at, address, user_agent } = session;
    wire::Session {
        id: id.to_string(),
        current: id == current,
        created_at: Some(timestamp(created_at)),
        refreshed_at: Some(timestamp(refreshed_at)),
        expires_at: Some(timestamp(expires_at)),
        address,
        user_agent,
    }
}
