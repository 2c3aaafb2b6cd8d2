//! What calls take on 1,000,000 booking requests and 600,000 inventory ranges, half of
//! them of one tenant: medians of calls over gRPC, one after the other. By hand:
//! `cargo bench -p frontdesk --bench million`. Filling takes two minutes.

// A measurement that cannot go on says where.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "booking/harness.rs"]
mod harness;

use std::time::Instant;

use frontdesk::demo;
use frontdesk_proto::booking::v1 as wire;
use frontdesk_proto::booking::v1::booking_request_service_client::BookingRequestServiceClient;
use frontdesk_proto::booking::v1::booking_service_client::BookingServiceClient;
use frontdesk_proto::booking::v1::customer_service_client::CustomerServiceClient;
use frontdesk_proto::booking::v1::diagnostics_service_client::DiagnosticsServiceClient;
use frontdesk_proto::booking::v1::property_service_client::PropertyServiceClient;
use upstream::Upstream;

use self::harness::{Bench, signed};

const REQUESTS: usize = 1_000_000;
/// The property that has had a booking each night since 2000.
const GRAND_HOTEL: &str = "00000002-0000-7000-8000-000000000fff";
/// Calls of which the median is taken, after as many to warm up as the first number.
const CALLS: (usize, usize) = (50, 300);

fn main() {
    access::install_crypto();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(measure());
}

async fn measure() {
    let bench = Bench::start(false).await;
    let fill = include_str!("../tests/system/whole/plans/fill.sql")
        .replace("{requests}", &REQUESTS.to_string())
        .replace("{tenant}", &demo::TENANT.to_string());
    let started = Instant::now();
    bench
        .run(&format!("set session_replication_role = replica; {fill} set session_replication_role = origin"))
        .await;
    bench.settle().await;
    println!("filled in {:.0} s", started.elapsed().as_secs_f64());
    let calls = Calls::of(&bench).await;
    calls.changes().await;
    calls.looks().await;
    calls.request_lists().await;
    calls.windows().await;
    calls.counts().await;
    calls.booking_lists().await;
    calls.customer_lists().await;
    calls.other_lists().await;
    drop(calls);
    bench.stop().await;
}

/// What is called, and about what.
struct Calls<'a> {
    bench: &'a Bench,
    requests: BookingRequestServiceClient<Upstream>,
    bookings: BookingServiceClient<Upstream>,
    customers: CustomerServiceClient<Upstream>,
    properties: PropertyServiceClient<Upstream>,
    diagnostics: DiagnosticsServiceClient<Upstream>,
    /// Of the tenant, which customers are listed with.
    key: String,
    /// Open requests without a hold, in an order of no meaning.
    open: Vec<String>,
    /// A guest and a property of some request.
    guest: String,
    property: String,
}

/// One call after the other, whose median is printed.
macro_rules! median {
    ($calls:expr, $name:expr, $api:ident . $method:ident, |$turn:ident| $message:expr) => {{
        let mut api = $calls.$api.clone();
        let mut times = Vec::new();
        for $turn in 0..CALLS.0 + CALLS.1 {
            let mut call = signed($message, &$calls.bench.token, demo::TENANT);
            call.metadata_mut().insert("x-tenant-api-key", $calls.key.parse().unwrap());
            let started = Instant::now();
            let answer = api.$method(call).await;
            let took = started.elapsed();
            answer.unwrap();
            if $turn >= CALLS.0 {
                times.push(took);
            }
        }
        times.sort();
        let (middle, late) = (times[times.len() / 2], times[times.len() * 99 / 100]);
        println!(
            "{:<48} {:>7.2} ms, 99 of 100 under {:>7.2} ms",
            $name,
            middle.as_secs_f64() * 1e3,
            late.as_secs_f64() * 1e3
        );
    }};
}

impl<'a> Calls<'a> {
    async fn of(bench: &'a Bench) -> Self {
        let texts = async |query: &str| -> Vec<String> {
            let rows = bench.sql.query(query, &[&demo::TENANT]).await.unwrap();
            rows.iter().map(|row| row.get(0)).collect()
        };
        let open = "select id::text from booking_requests where tenant_id = $1 and status = 'requested' \
            and held_booking_id is null and check_in > current_date + 10 and id >= '00000005-0000-7000-8000-000000000000' \
            and id < '00000006-0000-7000-8000-000000000000' order by md5(id::text)";
        let some = "from booking_requests where tenant_id = $1 and id > '00000005-0000-7000-8000-000000020000' order by id limit 1";
        Self {
            bench,
            requests: BookingRequestServiceClient::new(bench.booking()),
            bookings: BookingServiceClient::new(bench.booking()),
            customers: CustomerServiceClient::new(bench.booking()),
            properties: PropertyServiceClient::new(bench.booking()),
            diagnostics: DiagnosticsServiceClient::new(bench.booking()),
            key: demo::create_api_key(&bench.url, demo::TENANT).await.unwrap(),
            open: texts(open).await,
            guest: texts(&format!("select guest_id::text {some}")).await.remove(0),
            property: texts(&format!("select property_id::text {some}")).await.remove(0),
        }
    }

    async fn changes(&self) {
        median!(self, "approve", requests.approve_booking_request, |turn| {
            wire::ApproveBookingRequestRequest {
                booking_request_id: self.open[turn].clone(),
                ..Default::default()
            }
        });
        median!(self, "cancel, of a confirmed request", requests.cancel_booking_request, |turn| {
            wire::CancelBookingRequestRequest {
                booking_request_id: self.open[turn].clone(),
                ..Default::default()
            }
        });
        let booked = "select id::text from bookings where tenant_id = $1 and status = 'confirmed' \
            and id < '00000005-0000-7000-8000-000000000000' order by md5(id::text) limit 1000";
        let booked = self.bench.sql.query(booked, &[&demo::TENANT]).await.unwrap();
        median!(self, "cancel, of a booking", bookings.cancel_booking, |turn| wire::CancelBookingRequest {
            booking_id: booked[turn].get(0),
            ..Default::default()
        });
    }

    async fn looks(&self) {
        median!(self, "explain", diagnostics.explain_approval, |turn| wire::ExplainApprovalRequest {
            booking_request_id: self.open[CALLS.0 + CALLS.1 + turn].clone(),
        });
        let days = "select (current_date + 20)::text, (current_date + 50)::text";
        let days = self.bench.sql.query_one(days, &[]).await.unwrap();
        median!(self, "availability of an empty house, 30 days", properties.get_availability, |_turn| {
            wire::GetAvailabilityRequest {
                property_id: GRAND_HOTEL.to_owned(),
                from: days.get(0),
                to: days.get(1),
                guest_count: 0,
            }
        });
    }

    /// Dates some days from today.
    async fn day(&self, days: i32) -> String {
        self.bench.sql.query_one("select (current_date + $1::integer)::text", &[&days]).await.unwrap().get(0)
    }

    async fn request_lists(&self) {
        use wire::BookingRequestOrder::{CheckIn, NewestFirst, OldestFirst};
        for (name, order) in [("newest", NewestFirst), ("oldest", OldestFirst), ("check-in", CheckIn)] {
            median!(self, format!("requests, {name} first"), requests.list_booking_requests, |_turn| {
                wire::ListBookingRequestsRequest { order: order.into(), ..Default::default() }
            });
        }
        let rare = vec![wire::BookingRequestStatus::UnderReview.into()];
        for (name, order) in [("newest", NewestFirst), ("check-in", CheckIn)] {
            median!(
                self,
                format!("requests of a rare status, {name} first"),
                requests.list_booking_requests,
                |_turn| {
                    wire::ListBookingRequestsRequest {
                        status: rare.clone(),
                        order: order.into(),
                        ..Default::default()
                    }
                }
            );
        }
        median!(self, "requests of a property", requests.list_booking_requests, |_turn| {
            wire::ListBookingRequestsRequest { property_id: self.property.clone(), ..Default::default() }
        });
        median!(self, "requests of a guest", requests.list_booking_requests, |_turn| {
            wire::ListBookingRequestsRequest { guest_id: self.guest.clone(), ..Default::default() }
        });
    }

    /// Windows of stays, of a day to more than there is, in each order; and such of
    /// creation by check-in.
    async fn windows(&self) {
        use wire::BookingRequestOrder::{CheckIn, NewestFirst, OldestFirst};
        let several = [wire::BookingRequestStatus::Confirmed, wire::BookingRequestStatus::Declined];
        let several: Vec<i32> = several.into_iter().map(Into::into).collect();
        for (days, ahead) in [(1, 14), (7, 14), (7, -400), (30, 14), (30, -400), (365, -400), (1100, -1100)] {
            let (from, to) = (self.day(ahead).await, self.day(ahead + days).await);
            let when = if ahead > 0 { "soon" } else { "back" };
            for (name, order, status) in [
                ("newest", NewestFirst, &[][..]),
                ("oldest", OldestFirst, &[]),
                ("check-in", CheckIn, &[]),
                ("of two statuses, newest", NewestFirst, &several),
            ] {
                let name = format!("requests, {name} first, stays in {days} days, {when}");
                median!(self, name, requests.list_booking_requests, |_turn| {
                    wire::ListBookingRequestsRequest {
                        status: status.to_vec(),
                        stay_from: from.clone(),
                        stay_to: to.clone(),
                        order: order.into(),
                        ..Default::default()
                    }
                });
            }
        }
        let (day, none) = (self.day(-30).await, String::new());
        for (name, from, to) in [("from a day on", &day, &none), ("before a day", &none, &day)] {
            for (order_name, order) in
                [("newest", NewestFirst), ("oldest", OldestFirst), ("check-in", CheckIn)]
            {
                let name = format!("requests, {order_name} first, stays {name}");
                median!(self, name, requests.list_booking_requests, |_turn| {
                    wire::ListBookingRequestsRequest {
                        stay_from: from.clone(),
                        stay_to: to.clone(),
                        order: order.into(),
                        ..Default::default()
                    }
                });
            }
        }
        let at = |days: i64| {
            let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
            Some(prost_types::Timestamp {
                seconds: i64::try_from(now.as_secs()).unwrap() + days * 86_400,
                nanos: 0,
            })
        };
        for (days, ahead) in [(7, -400), (365, -400)] {
            let name = format!("requests, check-in first, created in {days} days");
            median!(self, name, requests.list_booking_requests, |_turn| {
                wire::ListBookingRequestsRequest {
                    created_from: at(ahead),
                    created_to: at(ahead + days),
                    order: CheckIn.into(),
                    ..Default::default()
                }
            });
        }
    }

    async fn counts(&self) {
        for (days, ahead) in [(0, 0), (7, 14), (30, -400), (365, -400)] {
            let (from, to) = (self.day(ahead).await, self.day(ahead + days).await);
            let (from, to) = if days == 0 { (String::new(), String::new()) } else { (from, to) };
            let name = match days {
                0 => "requests with counts".to_owned(),
                days => format!("requests with counts, stays in {days} days"),
            };
            median!(self, name, requests.list_booking_requests, |_turn| wire::ListBookingRequestsRequest {
                stay_from: from.clone(),
                stay_to: to.clone(),
                include_counts: true,
                ..Default::default()
            });
        }
        median!(self, "requests of a property with counts", requests.list_booking_requests, |_turn| {
            wire::ListBookingRequestsRequest {
                property_id: self.property.clone(),
                include_counts: true,
                ..Default::default()
            }
        });
    }

    async fn booking_lists(&self) {
        median!(self, "bookings", bookings.list_bookings, |_turn| wire::ListBookingsRequest::default());
        let status = |status: wire::BookingStatus| vec![status.into()];
        for (name, status) in [
            ("a rare", status(wire::BookingStatus::CheckedIn)),
            ("a common", status(wire::BookingStatus::Confirmed)),
            ("an unused", status(wire::BookingStatus::NoShow)),
        ] {
            median!(self, format!("bookings of {name} status"), bookings.list_bookings, |_turn| {
                wire::ListBookingsRequest { status: status.clone(), ..Default::default() }
            });
        }
        for (days, ahead) in [(1, 14), (7, 14), (30, -400), (365, -400)] {
            let (from, to) = (self.day(ahead).await, self.day(ahead + days).await);
            for (name, status) in
                [("bookings", vec![]), ("bookings of a status", status(wire::BookingStatus::CheckedOut))]
            {
                let name = format!("{name} with a night in {days} days");
                median!(self, name, bookings.list_bookings, |_turn| wire::ListBookingsRequest {
                    status: status.clone(),
                    stay_from: from.clone(),
                    stay_to: to.clone(),
                    ..Default::default()
                });
            }
        }
        median!(self, "bookings of the Grand Hotel", bookings.list_bookings, |_turn| {
            wire::ListBookingsRequest { property_id: GRAND_HOTEL.to_owned(), ..Default::default() }
        });
    }

    async fn customer_lists(&self) {
        median!(self, "customers", customers.list_customers, |_turn| wire::ListCustomersRequest::default());
        let hundredth = "select name, email_key, phone_key, external_id from customers \
            where tenant_id = $1 and external_id is not null order by id offset 100 limit 1";
        let row = self.bench.sql.query_one(hundredth, &[&demo::TENANT]).await.unwrap();
        let texts: [String; 4] = std::array::from_fn(|at| row.get(at));
        let [name, email, phone, external_id] = texts;
        for (what, search) in [
            ("a name", &*name),
            ("the beginning of all names", "Guest"),
            ("the last word of a name", name.rsplit(' ').next().unwrap()),
            ("an e-mail address", &email),
            ("the beginning of all e-mail addresses", "guest@"),
            ("a phone number", &format!("+{phone}")),
            ("nobody", "Zzyzx"),
        ] {
            let name = format!("customers, searched by {what}");
            median!(self, name, customers.list_customers, |_turn| wire::ListCustomersRequest {
                search: search.to_owned(),
                ..Default::default()
            });
        }
        median!(self, "customers, by an id in another system", customers.list_customers, |_turn| {
            wire::ListCustomersRequest {
                external_id: external_id.clone(),
                source: "pms".to_owned(),
                ..Default::default()
            }
        });
    }

    async fn other_lists(&self) {
        median!(self, "inconsistencies", diagnostics.list_inconsistencies, |_turn| {
            wire::ListInconsistenciesRequest::default()
        });
        median!(
            self,
            "properties",
            properties.list_properties,
            |_turn| wire::ListPropertiesRequest::default()
        );
        median!(self, "history of a request", requests.list_booking_request_events, |turn| {
            wire::ListBookingRequestEventsRequest {
                booking_request_id: self.open[turn].clone(),
                ..Default::default()
            }
        });
        let days = [self.day(-30).await, self.day(335).await];
        for (name, property) in [("a house", &*self.property), ("the Grand Hotel", GRAND_HOTEL)] {
            let name = format!("availability of {name}, a year");
            median!(self, name, properties.get_availability, |_turn| wire::GetAvailabilityRequest {
                property_id: property.to_owned(),
                from: days[0].clone(),
                to: days[1].clone(),
                guest_count: 0,
            });
        }
    }
}
