//! `FactorService`: second factors of users.

use frontdesk_proto::identity::v1 as wire;
use frontdesk_proto::identity::v1::factor_service_server::FactorService;
use jiff::Timestamp;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::identity::Identity;
use super::wire::{count, factor, id, language, timestamp, user};
use crate::changes::factor::{self as changes, Challenge, Enrolled, Reset};
use crate::changes::prove::{Gained, SentProof};
use crate::changes::sessions::Tokens;
use crate::domain::factor::{FactorKind, SecondFactorPolicy};
use crate::domain::field::InvalidField;
use crate::domain::ids::{FactorId, UserId};
use crate::error::Error;

#[tonic::async_trait]
impl FactorService for Identity {
    async fn enrol_factor(
        &self,
        request: Request<wire::EnrolFactorRequest>,
    ) -> Result<Response<wire::EnrolFactorResponse>, Status> {
        let (by, actor) = Self::user(&request)?;
        let wire::EnrolFactorRequest { kind, name } = request.into_inner();
        let kind = match wire::FactorKind::try_from(kind) {
            Ok(wire::FactorKind::Unspecified | wire::FactorKind::Totp) => FactorKind::Totp,
            Ok(wire::FactorKind::Passkey) => FactorKind::Passkey,
            Err(_) => return Err(Error::from(InvalidField::new("kind", "takes totp or passkey")).into()),
        };
        let id = FactorId(Uuid::now_v7());
        let enrolled = self.sessions.enrol_factor(by, (id, kind), &name, &actor).await?;
        let Enrolled { factor: new, secret, uri } = enrolled;
        Ok(Response::new(wire::EnrolFactorResponse { factor: Some(factor(new)), secret, uri }))
    }

    async fn list_factors(
        &self,
        request: Request<wire::ListFactorsRequest>,
    ) -> Result<Response<wire::ListFactorsResponse>, Status> {
        let (by, _) = Self::user(&request)?;
        let factors = self.store().list_factors(by.user, Timestamp::now()).await.map_err(Error::from)?;
        let left = self.store().count_recovery_codes(by.user).await.map_err(Error::from)?;
        Ok(Response::new(wire::ListFactorsResponse {
            factors: factors.into_iter().map(factor).collect(),
            recovery_codes_left: count(left),
        }))
    }

    async fn challenge_factor(
        &self,
        request: Request<wire::ChallengeFactorRequest>,
    ) -> Result<Response<wire::ChallengeFactorResponse>, Status> {
        let (by, _) = Self::user(&request)?;
        let named: FactorId = id("factor_id", &request.get_ref().factor_id)?;
        let asked = self.sessions.challenge_factor(by, named, Timestamp::now()).await?;
        let Challenge { text: challenge, expires_at, options } = asked;
        let expires_at = Some(timestamp(expires_at));
        Ok(Response::new(wire::ChallengeFactorResponse { challenge, expires_at, options }))
    }

    async fn verify_factor(
        &self,
        request: Request<wire::VerifyFactorRequest>,
    ) -> Result<Response<wire::VerifyFactorResponse>, Status> {
        let ((by, actor), language) = (Self::user(&request)?, language(&request));
        let wire::VerifyFactorRequest { factor_id, challenge, code, credential } = request.get_ref();
        let sent = SentProof { factor: id("factor_id", factor_id)?, challenge, code, credential, language };
        let (tokens, gained) = self.sessions.verify_factor(by, &sent, &actor, Timestamp::now()).await?;
        let Tokens { access, refresh, user: owner, factors } = tokens;
        let recovery_codes = if let Gained::Codes(codes) = gained { codes } else { Vec::new() };
        Ok(Response::new(wire::VerifyFactorResponse {
            access,
            refresh,
            token_type: "bearer".to_owned(),
            expires_in: access::LIFETIME.cast_signed(),
            user: Some(user(owner)),
            recovery_codes,
            factors: factors.into_iter().map(factor).collect(),
        }))
    }

    async fn remove_factor(
        &self,
        request: Request<wire::RemoveFactorRequest>,
    ) -> Result<Response<wire::RemoveFactorResponse>, Status> {
        let ((by, actor), language) = (Self::user(&request)?, language(&request));
        let named: FactorId = id("factor_id", &request.get_ref().factor_id)?;
        let ended = self.sessions.remove_factor(by, named, language, &actor).await?;
        Ok(Response::new(wire::RemoveFactorResponse { ended_sessions: count(ended) }))
    }

    async fn use_recovery_code(
        &self,
        request: Request<wire::UseRecoveryCodeRequest>,
    ) -> Result<Response<wire::UseRecoveryCodeResponse>, Status> {
        let (by, actor) = Self::user(&request)?;
        let code = &request.get_ref().code;
        let (tokens, gained) = self.sessions.use_recovery_code(by, code, &actor, Timestamp::now()).await?;
        let Tokens { access, refresh, user: owner, factors } = tokens;
        let left = if let Gained::Left(left) = gained { left } else { 0 };
        Ok(Response::new(wire::UseRecoveryCodeResponse {
            access,
            refresh,
            token_type: "bearer".to_owned(),
            expires_in: access::LIFETIME.cast_signed(),
            user: Some(user(owner)),
            recovery_codes_left: count(left),
            factors: factors.into_iter().map(factor).collect(),
        }))
    }

    async fn regenerate_recovery_codes(
        &self,
        request: Request<wire::RegenerateRecoveryCodesRequest>,
    ) -> Result<Response<wire::RegenerateRecoveryCodesResponse>, Status> {
        let (by, actor) = Self::user(&request)?;
        let recovery_codes = changes::new_recovery_codes(self.store(), by, &actor).await?;
        Ok(Response::new(wire::RegenerateRecoveryCodesResponse { recovery_codes }))
    }

    async fn reset_factors(
        &self,
        request: Request<wire::ResetFactorsRequest>,
    ) -> Result<Response<wire::ResetFactorsResponse>, Status> {
        let id: UserId = id("user_id", &request.get_ref().user_id)?;
        let (actor, language) = (Self::actor(&request)?, language(&request));
        self.check_target(&actor, id).await?;
        let Reset { factors, sessions } = self.sessions.reset_factors(id, language, &actor).await?;
        let (removed_factors, ended_sessions) = (count(factors), count(sessions));
        Ok(Response::new(wire::ResetFactorsResponse { removed_factors, ended_sessions }))
    }

    async fn get_second_factor_policy(
        &self,
        request: Request<wire::GetSecondFactorPolicyRequest>,
    ) -> Result<Response<wire::GetSecondFactorPolicyResponse>, Status> {
        let named = id("tenant_id", &request.get_ref().tenant_id)?;
        let (_, tenant) = Self::in_tenant(&request, named)?;
        let found = self.store().get_second_factor_policy(tenant).await.map_err(Error::from)?;
        let policy = policy_to_wire(found.ok_or(Error::TenantNotFound)?).into();
        Ok(Response::new(wire::GetSecondFactorPolicyResponse { policy }))
    }

    async fn set_second_factor_policy(
        &self,
        request: Request<wire::SetSecondFactorPolicyRequest>,
    ) -> Result<Response<wire::SetSecondFactorPolicyResponse>, Status> {
        let named = id("tenant_id", &request.get_ref().tenant_id)?;
        let (actor, tenant) = Self::in_tenant(&request, named)?;
        let policy = match wire::SecondFactorPolicy::try_from(request.get_ref().policy) {
            Ok(wire::SecondFactorPolicy::Optional) => SecondFactorPolicy::Optional,
            Ok(wire::SecondFactorPolicy::Owners) => SecondFactorPolicy::Owners,
            Ok(wire::SecondFactorPolicy::All) => SecondFactorPolicy::All,
            Ok(wire::SecondFactorPolicy::Unspecified) | Err(_) => {
                let invalid = InvalidField::new("policy", "takes optional, owners or all");
                return Err(Error::from(invalid).into());
            }
        };
        changes::set_policy(self.store(), tenant, policy, &actor).await?;
        let policy = policy_to_wire(policy).into();
        Ok(Response::new(wire::SetSecondFactorPolicyResponse { policy }))
    }
}

fn policy_to_wire(policy: SecondFactorPolicy) -> wire::SecondFactorPolicy {
    match policy {
        SecondFactorPolicy::Optional => wire::SecondFactorPolicy::Optional,
        SecondFactorPolicy::Owners => wire::SecondFactorPolicy::Owners,
        SecondFactorPolicy::All => wire::SecondFactorPolicy::All,
    }
}
