//! The wire of customers. What their files look like is known in `import`, what of a
//! line is stored in `rpc/import/line.rs`.

use frontdesk_proto::booking::v1 as wire;
use frontdesk_proto::booking::v1::customer_service_server::CustomerService;
use frontdesk_proto::text::tidy_line;
use frontdesk_proto::{Refusal, paging};
use futures::stream::BoxStream;
use prost::Message;
use tonic::{Request, Response, Status, Streaming};
use uuid::Uuid;

use super::{Booking, failed, fields, sizes};
use crate::call::Call;
use crate::changes::{ArchiveCustomer, CreateCustomer, MergeCustomers, Merged, UpdateCustomer};
use crate::domain::customer::{Customer, CustomerUpdate, Described, Search};
use crate::domain::ids::{GuestId, RowId};
use crate::domain::listing::After;
use crate::domain::version::Version;
use crate::error::Error;
use crate::store::customers::{FoundCustomer, SearchBy};

/// The list, as its page tokens know it.
const LIST: &[u8] = b"customers";

/// A page of customers.
#[derive(Default)]
struct Page {
    customers: Vec<Customer>,
    /// The token of the next one.
    next: String,
    /// How many have no place in the order.
    left_out: usize,
}

#[tonic::async_trait]
impl CustomerService for Booking {
    async fn list_customers(
        &self,
        request: Request<wire::ListCustomersRequest>,
    ) -> Result<Response<wire::ListCustomersResponse>, Status> {
        let call = Call::of(&request)?;
        let request = request.into_inner();
        // Lines are kept tidy, so they are looked for like that.
        let external_id = tidy_line(&request.external_id);
        let Page { customers, next, left_out } = match Search::of(&tidy_line(&request.search)) {
            _ if !external_id.is_empty() => {
                let source = tidy_line(&request.source);
                let found = self.store.get_customer_of(call.tenant, &source, &external_id).await;
                Page { customers: found.map_err(failed)?.into_iter().collect(), ..Page::default() }
            }
            Some(search) => self.search(&call, &request, &search).await?,
            None => self.by_name(&call, &request).await?,
        };
        let customers = customers.iter().map(customer).collect();
        Ok(Response::new(wire::ListCustomersResponse {
            customers,
            next_page_token: next,
            left_out: fields::number(left_out),
        }))
    }

    async fn get_customer(
        &self,
        request: Request<wire::GetCustomerRequest>,
    ) -> Result<Response<wire::GetCustomerResponse>, Status> {
        let call = Call::of(&request)?;
        let id = fields::id("customer_id", &request.get_ref().customer_id)?;
        let found = self.store.get_customer(call.tenant, id).await.map_err(failed)?;
        let customer = Some(customer(&found.ok_or(Error::CustomerNotFound)?));
        Ok(Response::new(wire::GetCustomerResponse { customer }))
    }

    async fn create_customer(
        &self,
        request: Request<wire::CreateCustomerRequest>,
    ) -> Result<Response<wire::CreateCustomerResponse>, Status> {
        let call = Call::of(&request)?.with_key(&request, "CreateCustomer")?;
        let create = CreateCustomer { id: GuestId(Uuid::now_v7()), is: described(request.into_inner()) };
        self.change(&call, &create, |stored| wire::CreateCustomerResponse {
            customer: Some(customer(stored)),
        })
        .await
    }

    async fn update_customer(
        &self,
        request: Request<wire::UpdateCustomerRequest>,
    ) -> Result<Response<wire::UpdateCustomerResponse>, Status> {
        let call = Call::of(&request)?
            .with_version(&request, &request.get_ref().etag)?
            .with_key(&request, "UpdateCustomer")?;
        let update = customer_update(request.into_inner())?;
        self.change(&call, &update, |stored| wire::UpdateCustomerResponse {
            customer: Some(customer(stored)),
        })
        .await
    }

    async fn archive_customer(
        &self,
        request: Request<wire::ArchiveCustomerRequest>,
    ) -> Result<Response<wire::ArchiveCustomerResponse>, Status> {
        let call = Call::of(&request)?
            .with_version(&request, &request.get_ref().etag)?
            .with_key(&request, "ArchiveCustomer")?;
        let id = fields::id("customer_id", &request.get_ref().customer_id)?;
        let archive = ArchiveCustomer { id, archived: true };
        self.change(&call, &archive, |stored| wire::ArchiveCustomerResponse {
            customer: Some(customer(stored)),
        })
        .await
    }

    async fn unarchive_customer(
        &self,
        request: Request<wire::UnarchiveCustomerRequest>,
    ) -> Result<Response<wire::UnarchiveCustomerResponse>, Status> {
        let call = Call::of(&request)?
            .with_version(&request, &request.get_ref().etag)?
            .with_key(&request, "UnarchiveCustomer")?;
        let id = fields::id("customer_id", &request.get_ref().customer_id)?;
        let unarchive = ArchiveCustomer { id, archived: false };
        self.change(&call, &unarchive, |stored| wire::UnarchiveCustomerResponse {
            customer: Some(customer(stored)),
        })
        .await
    }

    async fn merge_customers(
        &self,
        request: Request<wire::MergeCustomersRequest>,
    ) -> Result<Response<wire::MergeCustomersResponse>, Status> {
        let call = Call::of(&request)?
            .with_version(&request, &request.get_ref().etag)?
            .with_key(&request, "MergeCustomers")?;
        let wire::MergeCustomersRequest { customer_id, duplicate_id, etag: _ } = request.into_inner();
        let kept: GuestId = fields::id("customer_id", &customer_id)?;
        let duplicate = fields::id("duplicate_id", &duplicate_id)?;
        if kept == duplicate {
            return Err(Refusal::field("duplicate_id", "is the customer itself").into());
        }
        self.change(&call, &MergeCustomers { kept, duplicate }, merged).await
    }

    type ImportCustomersStream = BoxStream<'static, Result<wire::ImportCustomersResponse, Status>>;

    async fn import_customers(
        &self,
        request: Request<Streaming<wire::ImportCustomersRequest>>,
    ) -> Result<Response<Self::ImportCustomersStream>, Status> {
        self.import(request).await
    }
}

impl Booking {
    async fn by_name(&self, call: &Call, request: &wire::ListCustomersRequest) -> Result<Page, Status> {
        let size = paging::size(request.page_size, request.limit)?;
        let list = fingerprint(request);
        let mut after = fields::after_name(&list, &request.page_token)?;
        if fields::is_of_row(&after.key) {
            let row = self.store.get_customer(call.tenant, GuestId(after.id.0)).await.map_err(failed)?;
            after.key = row.ok_or_else(paging::invalid_token)?.is.name;
        }
        let found = self.store.list_customers(call.tenant, request.archived, &after, size).await;
        let (found, size) = found.map_err(failed)?;
        let size = sizes::fitting(found.iter().map(texts), size);
        let (customers, next) = paging::split(found, size, |row| {
            paging::token(&list, fields::token_text(&row.is.name), row.id.0)
        });
        let left_out = match &*next {
            "" => self.store.count_unplaced_customers(call.tenant, request.archived).await.map_err(failed)?,
            _ => 0,
        };
        Ok(Page { customers, next, left_out })
    }

    /// What is found by one thing comes before what is found by the next.
    async fn search(
        &self,
        call: &Call,
        request: &wire::ListCustomersRequest,
        search: &Search,
    ) -> Result<Page, Status> {
        let (sections, text): (&[SearchBy], _) = match search {
            Search::Name(text) => (&[SearchBy::Name, SearchBy::LastName], text),
            Search::Email(text) => (&[SearchBy::Email], text),
            Search::Phone(text) => (&[SearchBy::Phone], text),
        };
        let mut size = paging::size(request.page_size, request.limit)?;
        let list = fingerprint(request);
        let (first, mut after) = place(&list, &request.page_token)?;
        if let (Some(key), Some(by)) = (&after.key, sections.get(first))
            && fields::is_of_row(key)
        {
            let key = self.store.get_customer_key(call.tenant, GuestId(after.id.0), *by).await;
            after.key = Some(key.map_err(failed)?.ok_or_else(paging::invalid_token)?);
        }
        let mut found: Vec<(usize, FoundCustomer)> = Vec::new();
        for (section, by) in sections.iter().enumerate().skip(first) {
            let before = i64::try_from(found.len()).unwrap_or(size);
            let left = size - before;
            let rows = self.store.search_customers(call.tenant, request.archived, (*by, text), &after, left);
            let (rows, left) = rows.await.map_err(failed)?;
            size = before + left;
            found.extend(rows.into_iter().map(|row| (section, row)));
            if i64::try_from(found.len()).unwrap_or(i64::MAX) > size {
                break;
            }
            after = start();
        }
        let size = sizes::fitting(found.iter().map(|(_, row)| texts(&row.customer)), size);
        let (page, next) = paging::split(found, size, |(section, row)| {
            let key = fields::token_text(&row.key);
            paging::token(&list, &format!("{section}{key}"), row.customer.id.0)
        });
        let customers = page.into_iter().map(|(_, row)| row.customer).collect();
        Ok(Page { customers, next, left_out: 0 })
    }
}

/// The list that a request asks for, whichever page of it.
fn fingerprint(request: &wire::ListCustomersRequest) -> Vec<u8> {
    let asked =
        wire::ListCustomersRequest { page_size: 0, limit: 0, page_token: String::new(), ..request.clone() };
    [LIST, &asked.encode_to_vec()].concat()
}

fn start() -> After<Option<String>> {
    After { key: None, id: RowId(Uuid::nil()) }
}

/// The section of a search, and the place in it, after which a page starts.
fn place(list: &[u8], token: &str) -> Result<(usize, After<Option<String>>), Refusal> {
    let Some((key, id)) = paging::read_token(list, token)? else { return Ok((0, start())) };
    let section = key.chars().next().and_then(|digit| digit.to_digit(10));
    let section = section.and_then(|digit| usize::try_from(digit).ok()).ok_or_else(paging::invalid_token)?;
    Ok((section, After { key: Some(key[1..].to_owned()), id: RowId(id) }))
}

/// What is said of a new customer.
pub(super) fn described(request: wire::CreateCustomerRequest) -> Described {
    let wire::CreateCustomerRequest { name, email, phone, external_id, source, notes } = request;
    Described {
        name: tidy_line(&name),
        email: tidy_line(&email),
        phone: tidy_line(&phone),
        external_id: Some(tidy_line(&external_id)).filter(|id| !id.is_empty()),
        source: tidy_line(&source),
        notes,
    }
}

fn customer_update(request: wire::UpdateCustomerRequest) -> Result<UpdateCustomer, Refusal> {
    let wire::UpdateCustomerRequest { customer_id, name, email, phone, external_id, source, notes, etag: _ } =
        request;
    let line = |text: Option<String>| text.as_deref().map(tidy_line);
    let update = CustomerUpdate {
        name: line(name),
        email: line(email),
        phone: line(phone),
        external_id: line(external_id),
        source: line(source),
        notes,
    };
    Ok(UpdateCustomer { id: fields::id("customer_id", &customer_id)?, update })
}

fn merged(merged: &Merged) -> wire::MergeCustomersResponse {
    let Merged { kept, duplicate, moved_requests, moved_bookings } = merged;
    let count = |moved: i64| i32::try_from(moved).unwrap_or(i32::MAX);
    wire::MergeCustomersResponse {
        customer: Some(customer(kept)),
        duplicate: Some(customer(duplicate)),
        moved_booking_requests: count(*moved_requests),
        moved_bookings: count(*moved_bookings),
    }
}

/// The texts of a row.
fn texts(customer: &Customer) -> [&str; 6] {
    let Described { name, email, phone, external_id, source, notes } = &customer.is;
    [name, email, phone, external_id.as_deref().unwrap_or_default(), source, notes]
}

pub(super) fn customer(customer: &Customer) -> wire::Customer {
    let mut texts = sizes::Texts::default();
    let Customer { id, is, created_at, updated_at, archived_at, merged_into } = customer;
    let Described { name, email, phone, external_id, source, notes } = is.clone();
    wire::Customer {
        id: id.to_string(),
        name: texts.text("name", name),
        email: texts.text("email", email),
        phone: texts.text("phone", phone),
        created_at: fields::shown(*created_at),
        external_id: texts.text("external_id", external_id.unwrap_or_default()),
        source: texts.text("source", source),
        notes: texts.text("notes", notes),
        archived_at: archived_at.and_then(fields::shown),
        merged_into: fields::written(*merged_into),
        updated_at: fields::shown(*updated_at),
        etag: Version::of(customer).to_string(),
        shortened: texts.shortened(),
    }
}
