//! The wire of customers.

use frontdesk_proto::booking::v1 as wire;
use frontdesk_proto::booking::v1::customer_service_server::CustomerService;
use frontdesk_proto::paging;
use tonic::{Request, Response, Status};

use super::{Booking, failed, fields};
use crate::call::Call;
use crate::domain::customer::Customer;
use crate::error::Error;

/// The list, as its page tokens know it.
const LIST: &[u8] = b"customers";

#[tonic::async_trait]
impl CustomerService for Booking {
    async fn list_customers(
        &self,
        request: Request<wire::ListCustomersRequest>,
    ) -> Result<Response<wire::ListCustomersResponse>, Status> {
        let call = Call::of(&request)?;
        let wire::ListCustomersRequest { page_size, page_token, limit } = request.into_inner();
        let size = paging::size(page_size, limit)?;
        let after = fields::after_name(LIST, &page_token)?;
        let found = self.store.list_customers(call.tenant, &after, size + 1).await.map_err(failed)?;
        let (rows, next_page_token) =
            paging::split(found, size, |row| paging::token(LIST, &row.name, row.id.0));
        let customers = rows.into_iter().map(customer).collect();
        Ok(Response::new(wire::ListCustomersResponse { customers, next_page_token }))
    }

    async fn get_customer(
        &self,
        request: Request<wire::GetCustomerRequest>,
    ) -> Result<Response<wire::GetCustomerResponse>, Status> {
        let call = Call::of(&request)?;
        let id = fields::id("customer_id", &request.get_ref().customer_id)?;
        let found = self.store.get_customer(call.tenant, id).await.map_err(failed)?;
        let customer = Some(customer(found.ok_or(Error::CustomerNotFound)?));
        Ok(Response::new(wire::GetCustomerResponse { customer }))
    }
}

fn customer(customer: Customer) -> wire::Customer {
    let Customer { id, name, email, phone, created_at } = customer;
    wire::Customer { id: id.to_string(), name, email, phone, created_at: fields::shown(created_at) }
}
