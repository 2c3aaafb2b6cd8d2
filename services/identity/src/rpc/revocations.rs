//! `RevocationService`: the wire of what `watchers.rs` streams, and which tenants are deleted.

use access::{Authority, DeletedTenants};
use frontdesk_proto::identity::v1 as wire;
use frontdesk_proto::identity::v1::revocation_service_server::RevocationService;
use futures::stream::BoxStream;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::identity::Identity;
use super::wire::id;
use crate::trust::revocations::Place;

#[tonic::async_trait]
impl RevocationService for Identity {
    type WatchStream = BoxStream<'static, Result<wire::WatchResponse, Status>>;

    async fn watch(
        &self,
        request: Request<wire::WatchRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        let wire::WatchRequest { after, epoch } = request.into_inner();
        let after = after.map(|position| Place { epoch: epoch.into(), position });
        Ok(Response::new(self.watchers.watch(boot::peer(), after)?))
    }

    async fn find_deleted_tenants(
        &self,
        request: Request<wire::FindDeletedTenantsRequest>,
    ) -> Result<Response<wire::FindDeletedTenantsResponse>, Status> {
        let named = &request.get_ref().tenant_ids;
        let ids = named.iter().map(|text| id("tenant_ids", text)).collect::<Result<Vec<Uuid>, _>>()?;
        let DeletedTenants { database, issuer, tenants } = self.local.deleted_tenants(&ids).await?;
        let tenant_ids = tenants.iter().map(Uuid::to_string).collect();
        let database_id = database.to_string();
        Ok(Response::new(wire::FindDeletedTenantsResponse { tenant_ids, database_id, issuer }))
    }
}
