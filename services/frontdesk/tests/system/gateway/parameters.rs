//! Query parameters.

use crate::fixture::Fixture;

const REQUESTS: &str = "/api/v1/booking-requests";

#[tokio::test]
async fn unknown_doubled_and_unreadable_parameters_are_refused() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    for (query, field) in [
        ("state=requested", "state"),
        ("status=open", "status"),
        ("page_size=1&page_size=2", "page_size"),
        ("page_size=ten", "page_size"),
        ("tenant_id=0d000000-0000-7000-8000-00000000000b", "tenant_id"),
    ] {
        let answer = fixture.get(&format!("{REQUESTS}?{query}"), &token).await;
        assert_eq!(answer.refused(400, "MALFORMED_REQUEST").body["violations"][0]["field"], field);
    }
    for query in
        ["page_size=-1", "page_size=1&limit=2", "property_id=x", "stay_from=tomorrow", "status=unspecified"]
    {
        fixture.get(&format!("{REQUESTS}?{query}"), &token).await.refused(400, "INVALID_FIELD");
    }
    for (path, query, field) in [
        (REQUESTS, "stay_from=2027-05-05&stay_to=2027-05-04", "stay_to"),
        (
            REQUESTS,
            "created_from=2027-05-05T00:00:00.000000001Z&created_to=2027-05-05T00:00:00Z",
            "created_to",
        ),
        ("/v1/bookings", "stay_from=2027-05-05&stay_to=2026-06-06", "stay_to"),
    ] {
        let answer = fixture.get(&format!("{path}?{query}"), &token).await;
        assert_eq!(answer.refused(400, "INVALID_FIELD").body["violations"][0]["field"], field);
    }
    for path in [REQUESTS, "/v1/bookings"] {
        fixture.get(&format!("{path}?stay_from=2027-05-05&stay_to=2027-05-05"), &token).await.ok();
    }
    fixture.get(&format!("{REQUESTS}?page_token=nonsense"), &token).await.refused(400, "INVALID_PAGE_TOKEN");
}
