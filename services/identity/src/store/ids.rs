//! Ids as parameters and columns.

use uuid::Uuid;

use crate::domain::ids::{
    ApiKeyId, AuditEventId, FactorId, InvitationId, MailId, SessionId, TenantId, UserId,
};

pg::newtypes!(
    ApiKeyId(Uuid),
    AuditEventId(Uuid),
    FactorId(Uuid),
    InvitationId(Uuid),
    MailId(Uuid),
    SessionId(Uuid),
    TenantId(Uuid),
    UserId(Uuid)
);
