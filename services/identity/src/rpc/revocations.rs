//! `RevocationService`: the wire of what `watchers.rs` streams.

use frontdesk_proto::identity::v1 as wire;
use frontdesk_proto::identity::v1::revocation_service_server::RevocationService;
use futures::stream::BoxStream;
use tonic::{Request, Response, Status};

use super::identity::Identity;

#[tonic::async_trait]
impl RevocationService for Identity {
    type WatchStream = BoxStream<'static, Result<wire::WatchResponse, Status>>;

    async fn watch(
        &self,
        request: Request<wire::WatchRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        Ok(Response::new(self.watchers.watch(boot::peer(), request.get_ref().after)?))
    }
}
