-- Lists of one property's or guest's requests by check-in. There was an index of each in
-- the order of creation alone, so that a list by check-in read and sorted all that one
-- has, for each page again.
--
-- Both are of columns that hardly ever change. Each is built while the table can be read
-- but not written, about a second for a million rows. Where that is too long, create
-- them beforehand under these names with `create index concurrently`: a migration runs
-- in a transaction and cannot, and takes what it finds.
--
-- In a single table of another program they are for its owner to make: `frontdesk
-- doctor` prints them.
do $$
declare
    broken record;
begin
    if to_regclass('public.booking_requests') is null then
        return;
    end if;

    -- What a build that failed has left under one of the names serves nothing, and would
    -- be taken for the index. Behind this lock none is being built.
    lock table booking_requests in share mode;
    for broken in
        select i.indexrelid::regclass as left_over
        from pg_index i
        where i.indrelid = 'booking_requests'::regclass
          and not i.indisvalid
    loop
        execute format('drop index %s', broken.left_over);
    end loop;

    create index if not exists booking_requests_property_day_idx
    on booking_requests (tenant_id, property_id, check_in, created_at, id);
    create index if not exists booking_requests_guest_day_idx
    on booking_requests (tenant_id, guest_id, check_in, created_at, id);
end
$$;
