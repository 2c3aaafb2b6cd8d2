//! Ids as parameters and columns.

use uuid::Uuid;

use crate::domain::ids::{ApiKeyId, AuditEventId, FactorId, SessionId, TenantId, UserId};

pg::newtypes!(
    ApiKeyId(Uuid),
    AuditEventId(Uuid),
    FactorId(Uuid),
    SessionId(Uuid),
    TenantId(Uuid),
    UserId(Uuid)
);
