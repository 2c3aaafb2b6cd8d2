-- Indexes in whose place V7 made others, in a transaction of their own: dropping one
-- waits for whoever uses its table and keeps others out meanwhile. Services of the
-- version before are as right as they were, and lists by them a little slower.

do $$
begin
    if to_regclass('public.booking_requests') is null then
        return;
    end if;
    drop index bookings_check_in_idx;
    drop index bookings_property_idx;
    drop index booking_requests_status_created_idx;
    drop index booking_requests_status_check_in_idx;
    drop index booking_requests_open_stay_idx;
end
$$;
