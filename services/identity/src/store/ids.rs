//! Ids as parameters and columns.

use uuid::Uuid;

use crate::domain::ids::{ApiKeyId, AuditEventId, SessionId, TenantId, UserId};

pg::newtypes!(ApiKeyId(Uuid), AuditEventId(Uuid), SessionId(Uuid), TenantId(Uuid), UserId(Uuid));
