//! Identity, as the gateway itself calls it for surfaces whose requests are not
//! those of a method. Every other call is passed on without a look at its
//! messages.

use std::convert::Infallible;

use frontdesk_proto::identity::v1::{
    ChallengeFactorRequest, ChallengeFactorResponse, ChangeEmailRequest, ChangeEmailResponse,
    ChangePasswordRequest, ChangePasswordResponse, EnrolFactorRequest, EnrolFactorResponse, GetJwksRequest,
    GetJwksResponse, GetMeRequest, GetMeResponse, IssueTokenRequest, IssueTokenResponse, LoginRequest,
    LoginResponse, LoginWithPasskeyRequest, LoginWithPasskeyResponse, LogoutRequest, LogoutResponse,
    ReauthenticateRequest, ReauthenticateResponse, RefreshRequest, RefreshResponse, RemoveFactorRequest,
    RemoveFactorResponse, RequestPasswordRecoveryRequest, RequestPasswordRecoveryResponse,
    SignInByLinkRequest, SignInByLinkResponse, UpdateMeRequest, UpdateMeResponse, UseRecoveryCodeRequest,
    UseRecoveryCodeResponse, VerifyFactorRequest, VerifyFactorResponse,
};
use http::HeaderMap;
use prost::Message;

use super::deadline::Deadline;
use super::unary::{Call, frame};
use super::upstreams::Upstreams;
use crate::answer::failure::{Failure, unreadable};

/// Identity, for one request.
#[derive(Debug)]
pub struct Identity<'u> {
    upstreams: &'u Upstreams,
    /// What crosses with each call.
    pub metadata: HeaderMap,
}

impl<'u> Identity<'u> {
    pub fn new(upstreams: &'u Upstreams, metadata: HeaderMap) -> Self {
        Self { upstreams, metadata }
    }

    pub async fn login(&self, request: &LoginRequest) -> Result<LoginResponse, Failure> {
        self.call("AuthService/Login", request).await
    }

    pub async fn login_with_passkey(
        &self,
        request: &LoginWithPasskeyRequest,
    ) -> Result<LoginWithPasskeyResponse, Failure> {
        self.call("AuthService/LoginWithPasskey", request).await
    }

    pub async fn refresh(&self, refresh: String) -> Result<RefreshResponse, Failure> {
        self.call("AuthService/Refresh", &RefreshRequest { refresh, access_is_used_first: false }).await
    }

    /// The same, for a call that is made before the next refresh token is on its way.
    pub async fn refresh_for_a_call(&self, refresh: String) -> Result<RefreshResponse, Failure> {
        self.call("AuthService/Refresh", &RefreshRequest { refresh, access_is_used_first: true }).await
    }

    pub async fn logout(&self, request: &LogoutRequest) -> Result<LogoutResponse, Failure> {
        self.call("AuthService/Logout", request).await
    }

    pub async fn me(&self) -> Result<GetMeResponse, Failure> {
        self.call("UserService/GetMe", &GetMeRequest {}).await
    }

    pub async fn update_me(&self, display_name: String) -> Result<UpdateMeResponse, Failure> {
        self.call("UserService/UpdateMe", &UpdateMeRequest { display_name }).await
    }

    pub async fn change_email(&self, email: String) -> Result<(), Failure> {
        let sent: ChangeEmailResponse =
            self.call("UserService/ChangeEmail", &ChangeEmailRequest { email }).await?;
        let ChangeEmailResponse {} = sent;
        Ok(())
    }

    pub async fn change_password(
        &self,
        request: &ChangePasswordRequest,
    ) -> Result<ChangePasswordResponse, Failure> {
        self.call("AuthService/ChangePassword", request).await
    }

    pub async fn request_recovery(&self, email: String) -> Result<(), Failure> {
        let request = RequestPasswordRecoveryRequest { email };
        let sent: RequestPasswordRecoveryResponse =
            self.call("AuthService/RequestPasswordRecovery", &request).await?;
        let RequestPasswordRecoveryResponse {} = sent;
        Ok(())
    }

    pub async fn sign_in_by_link(&self, token: String) -> Result<SignInByLinkResponse, Failure> {
        self.call("AuthService/SignInByLink", &SignInByLinkRequest { token }).await
    }

    pub async fn enrol_factor(&self, request: &EnrolFactorRequest) -> Result<EnrolFactorResponse, Failure> {
        self.call("FactorService/EnrolFactor", request).await
    }

    pub async fn challenge_factor(&self, factor_id: String) -> Result<ChallengeFactorResponse, Failure> {
        self.call("FactorService/ChallengeFactor", &ChallengeFactorRequest { factor_id }).await
    }

    pub async fn verify_factor(
        &self,
        request: &VerifyFactorRequest,
    ) -> Result<VerifyFactorResponse, Failure> {
        self.call("FactorService/VerifyFactor", request).await
    }

    pub async fn use_recovery_code(
        &self,
        request: &UseRecoveryCodeRequest,
    ) -> Result<UseRecoveryCodeResponse, Failure> {
        self.call("FactorService/UseRecoveryCode", request).await
    }

    pub async fn reauthenticate(
        &self,
        request: &ReauthenticateRequest,
    ) -> Result<ReauthenticateResponse, Failure> {
        self.call("AuthService/Reauthenticate", request).await
    }

    pub async fn remove_factor(&self, factor_id: String) -> Result<RemoveFactorResponse, Failure> {
        self.call("FactorService/RemoveFactor", &RemoveFactorRequest { factor_id }).await
    }

    pub async fn issue_token(&self, request: &IssueTokenRequest) -> Result<IssueTokenResponse, Failure> {
        self.call("OAuthService/IssueToken", request).await
    }

    pub async fn jwks(&self) -> Result<GetJwksResponse, Failure> {
        self.call("TokenService/GetJwks", &GetJwksRequest {}).await
    }

    async fn call<A: Message + Default>(&self, method: &str, request: &impl Message) -> Result<A, Failure> {
        let path = format!("/frontdesk.identity.v1.{method}");
        let Ok(frame) = frame(request.encoded_len(), |out| {
            out.extend(request.encode_to_vec());
            Ok::<_, Infallible>(())
        });
        let call = Call { path: &path, frame, metadata: self.metadata.clone() };
        let (wire, _) = call.unary(self.upstreams, Deadline::default()).await?;
        A::decode(wire).map_err(|error| {
            tracing::error!(%error, path, "an answer cannot be read");
            unreadable().into()
        })
    }
}
