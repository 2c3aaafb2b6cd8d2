//! Approving, and that refusals leave everything as it was.

use frontdesk::demo;
use frontdesk_proto::booking::v1::{ApproveBookingRequestRequest, ApproveOutcome, BookingRequestStatus};
use frontdesk_proto::{ErrorReason, reason_of};
use serde_json::json;
use uuid::Uuid;

use crate::fixture::{Fixture, case, path_of, signed};

#[tokio::test]
async fn approving_stores_booking_range_status_and_event() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let id = case("REQUESTED");
    let before = fixture.get(&path_of(id, ""), &token).await;
    let answer =
        fixture.post(&path_of(id, "/approve"), &token, &json!({"internal_note": "Approved via ops"})).await;
    assert_eq!(answer.ok()["outcome"], "approved");
    assert_eq!(answer.body["booking_request_id"], id.to_string());
    let booking: Uuid = answer.body["booking_id"].as_str().unwrap().parse().unwrap();

    let read = fixture.get(&path_of(id, ""), &token).await;
    assert_eq!(read.ok()["status"], "confirmed");
    assert_eq!(read.body["approved_booking_id"], booking.to_string());
    assert_eq!(read.body["internal_note"], "Approved via ops");
    assert_ne!(read.body["etag"], before.body["etag"]);
    let stored = fixture
        .count(
            "select count(*) from booking_requests r \
             join bookings b on b.tenant_id = r.tenant_id and b.id = r.approved_booking_id and b.booking_request_id = r.id \
                and b.property_id = r.property_id and b.guest_id = r.guest_id and b.status = 'confirmed' \
                and b.check_in = r.check_in and b.check_out = r.check_out and b.approved_by = r.decided_by \
             join inventory_ranges i on i.tenant_id = r.tenant_id and i.source_id = b.id and i.state = 'active' \
                and i.kind = 'booking' and i.start_date = r.check_in and i.end_date = r.check_out \
             join booking_events e on e.tenant_id = r.tenant_id and e.booking_request_id = r.id and e.booking_id = b.id \
                and e.action = 'approved' and e.actor = r.decided_by \
             where r.id = $1 and b.id = $2 and r.status = 'confirmed' and r.confirmed_at is not null",
            &[&id, &booking],
        )
        .await;
    assert_eq!(stored, 1);
}

#[tokio::test]
async fn approving_twice_answers_the_same_and_writes_nothing() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let path = path_of(case("REQUESTED"), "/approve");
    let first = fixture.post(&path, &token, &json!({})).await;
    let before = fixture.snapshot().await;
    let second = fixture.post(&path, &token, &json!({"internal_note": "again"})).await;
    assert_eq!(second.ok()["booking_id"], first.ok()["booking_id"]);
    assert_eq!(second.body["outcome"], "already_approved");
    assert_eq!(second.body["evidence"], "already_confirmed");
    assert!(second.body["message"].as_str().unwrap().contains("already approved (idempotent)"));
    assert_eq!(fixture.snapshot().await, before);
}

#[tokio::test]
async fn an_overlap_with_another_guest_is_409_and_changes_nothing() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let before = fixture.snapshot().await;
    let answer = fixture.post(&path_of(case("OVERLAP_OTHER_GUEST"), "/approve"), &token, &json!({})).await;
    answer.refused(409, "BOOKING_OVERLAP");
    assert_eq!(answer.body["conflict_type"], "booking_overlap");
    let text = answer.body.to_string();
    assert!(!text.contains("healed") && !text.contains("idempotent"), "{text}");
    assert!(!text.contains("Clara") && !text.contains("0303"), "another guest's data: {text}");
    assert_eq!(fixture.snapshot().await, before);
}

#[tokio::test]
async fn a_block_is_an_overlap_too() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let id = fixture.open_request(demo::TENANT, 1, 300, 304).await;
    fixture
        .execute(
            "insert into inventory_ranges (tenant_id, id, property_id, kind, start_date, end_date, state, created_at) \
             select tenant_id, $2, property_id, 'block', check_in + 1, check_out + 1, 'active', now() \
             from booking_requests where id = $1",
            &[&id, &Uuid::now_v7()],
        )
        .await;
    let before = fixture.snapshot().await;
    let answer = fixture.approve(&token, id).await;
    answer.refused(409, "BOOKING_OVERLAP");
    assert_eq!(fixture.snapshot().await, before);
}

#[tokio::test]
async fn back_to_back_stays_do_not_overlap() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    for (from, to) in [(300, 304), (304, 306), (298, 300)] {
        let id = fixture.open_request(demo::TENANT, 2, from, to).await;
        fixture.approve(&token, id).await.ok();
    }
}

#[tokio::test]
async fn another_tenants_request_is_not_found() {
    let fixture = Fixture::start().await;
    let foreign = fixture.token(demo::OTHER_OWNER).await;
    let before = fixture.snapshot().await;
    let id = case("REQUESTED");
    let decline = json!({"decline_reason": "x"});
    fixture
        .post(&path_of(id, "/decline"), &foreign, &decline)
        .await
        .refused(404, "BOOKING_REQUEST_NOT_FOUND");
    fixture
        .post(&path_of(id, "/approve"), &foreign, &json!({}))
        .await
        .refused(404, "BOOKING_REQUEST_NOT_FOUND");
    fixture.get(&path_of(id, ""), &foreign).await.refused(404, "BOOKING_REQUEST_NOT_FOUND");
    assert_eq!(fixture.snapshot().await, before);
}

#[tokio::test]
async fn grpc_answers_like_rest() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let approve = |id: Uuid| {
        let message =
            ApproveBookingRequestRequest { booking_request_id: id.to_string(), ..Default::default() };
        let request = signed(message, &token);
        let mut client = fixture.booking();
        async move { client.approve_booking_request(request).await }
    };
    let answer = approve(case("REQUESTED")).await.unwrap().into_inner();
    assert_eq!(answer.status(), BookingRequestStatus::Confirmed);
    assert_eq!(answer.outcome(), ApproveOutcome::Approved);
    for (name, code, reason) in [
        ("DECLINED", tonic::Code::FailedPrecondition, ErrorReason::InvalidTransition),
        ("OVERLAP_OTHER_GUEST", tonic::Code::FailedPrecondition, ErrorReason::BookingOverlap),
    ] {
        let status = approve(case(name)).await.unwrap_err();
        assert_eq!((status.code(), reason_of(&status)), (code, Some(reason)));
    }
    let status = approve(Uuid::now_v7()).await.unwrap_err();
    assert_eq!(reason_of(&status), Some(ErrorReason::BookingRequestNotFound));
}
