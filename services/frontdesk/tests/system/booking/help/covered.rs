//! The promise behind every approval, for the tests beside: no night of a property is
//! covered for two guests, whatever readers say is confirmed.

use std::collections::HashMap;

use jiff::civil::Date;
use serde_json::Value as Json;

use crate::pages::{pages, rows};

/// Asserts it of all that readers say; `get` answers a path. Returns how many nights
/// are covered.
pub async fn no_night_is_covered_for_two_guests(get: impl AsyncFn(&str) -> Json) -> usize {
    let mut covered: HashMap<(String, Date), String> = HashMap::new();
    let list = "/v1/booking-requests?status=confirmed&page_size=200";
    let pages = pages(async |next| get(&format!("{list}&page_token={next}")).await).await;
    for request in &rows(&pages, "booking_requests") {
        let text = |field: &str| request[field].as_str().unwrap().to_owned();
        for night in nights(request).filter(|night| !uncovered(request).any(|free| free == *night)) {
            let guest = covered.entry((text("property_id"), night)).or_insert_with(|| text("guest_id"));
            assert_eq!(*guest, text("guest_id"), "{night} is covered for two guests: {request}");
        }
    }
    covered.len()
}

fn uncovered(request: &Json) -> impl Iterator<Item = Date> {
    request["fulfilment"]["uncovered"].as_array().unwrap().iter().flat_map(nights)
}

fn nights(of: &Json) -> impl Iterator<Item = Date> {
    let day = |field: &str| of[field].as_str().unwrap().parse::<Date>().unwrap();
    let (from, to) = (day("check_in"), day("check_out"));
    from.series(jiff::Span::new().days(1)).take_while(move |night| *night < to)
}
