//! The wire of customers.

use frontdesk_proto::booking::v1 as wire;
use frontdesk_proto::booking::v1::customer_service_server::CustomerService;
use frontdesk_proto::paging;
use tonic::{Request, Response, Status};

use super::Booking;
use crate::call::Call;
use crate::convert;
use crate::domain::ids::GuestId;
use crate::error::Error;

#[tonic::async_trait]
impl CustomerService for Booking {
    async fn list_customers(
        &self,
        request: Request<wire::ListCustomersRequest>,
    ) -> Result<Response<wire::ListCustomersResponse>, Status> {
        let call = Call::of(&request)?;
        let wire::ListCustomersRequest { page_size, page_token, limit } = request.into_inner();
        let size = paging::size(page_size, limit)?;
        let (name, id) = paging::read_token(b"customers", &page_token)?.unwrap_or_default();
        let found = self.store.run(async |schema| {
            let rows = self.store.list_customers(&schema, call.tenant, (&name, id), size + 1);
            rows.await.map_err(Error::from)
        });
        let (rows, next_page_token) =
            paging::split(found.await?, size, |row| paging::token(b"customers", &row.name, row.id.0));
        let customers = rows.into_iter().map(convert::customer).collect();
        Ok(Response::new(wire::ListCustomersResponse { customers, next_page_token }))
    }

    async fn get_customer(
        &self,
        request: Request<wire::GetCustomerRequest>,
    ) -> Result<Response<wire::GetCustomerResponse>, Status> {
        let call = Call::of(&request)?;
        let id = GuestId::parse("customer_id", &request.get_ref().customer_id)?;
        let found = self
            .store
            .run(async |schema| self.store.get_customer(&schema, call.tenant, id).await.map_err(Error::from));
        let customer = Some(convert::customer(found.await?.ok_or(Error::CustomerNotFound)?));
        Ok(Response::new(wire::GetCustomerResponse { customer }))
    }
}
