//! `RevocationService`: the wire of what `watchers.rs` streams.

use frontdesk_proto::identity::v1 as wire;
use frontdesk_proto::identity::v1::revocation_service_server::RevocationService;
use futures::stream::BoxStream;
use tonic::{Request, Response, Status};

use super::identity::Identity;
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
}
