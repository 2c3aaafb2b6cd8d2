-- The index in whose place V19 made others, in a transaction of its own: dropping one
-- waits for whoever uses its table and keeps others out meanwhile. Services of the
-- version before are as right as they were, and lists by check-in sort the requests of
-- a day.

do $$
begin
    if to_regclass('public.booking_requests') is null then
        return;
    end if;
    drop index if exists booking_requests_status_arrival_idx;
end
$$;
