-- Lists of requests through a window of dates, in the order of creation. A window and
-- an order are two dates, and an index has one order: by check-in, with the order of
-- creation within each day of arrival, it gives both, a look-up for each day. The same
-- indexes serve lists by check-in, whose rows of one day are in the order of creation.
--
-- Each index is built while its table can be read but not written, about a second for
-- a million rows. Where that is too long, create them beforehand under these names with
-- `create index concurrently`: a migration runs in a transaction and cannot, and takes
-- what it finds.
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
    lock table booking_requests, bookings in share mode;
    for broken in
        select i.indexrelid::regclass as left_over
        from pg_index i
        where i.indrelid in ('booking_requests'::regclass, 'bookings'::regclass)
          and not i.indisvalid
    loop
        execute format('drop index %s', broken.left_over);
    end loop;

    -- Of a status.
    create index if not exists booking_requests_status_day_idx on booking_requests (
        tenant_id,
        (
            case
                when status in ('requested', 'under_review')
                    and (confirmed_at is not null or approved_booking_id is not null)
                    then 'confirmed'
                else status
            end
        ),
        check_in,
        created_at,
        id,
        check_out
    );
    -- Of the tenant: one walk where a walk for each status would read a page for each.
    create index if not exists booking_requests_day_idx
    on booking_requests (tenant_id, check_in, created_at, id, check_out);
    create index if not exists booking_requests_creation_idx
    on booking_requests (tenant_id, created_at, id, check_in, check_out);

    -- What another program can store where it has taken constraints away: rows that the
    -- lists by status and order do not have, and count. Otherwise they are empty.
    create index if not exists booking_requests_unknown_idx on booking_requests (tenant_id, created_at, id, check_in)
    where (
        status in (
            'cancelled', 'checked_in', 'checked_out', 'confirmed', 'declined', 'expired', 'inquiry', 'no_show',
            'pending', 'requested', 'under_review'
        )
    ) is not true;
    create index if not exists booking_requests_unknown_day_idx
    on booking_requests (tenant_id, check_in, created_at, id)
    where (
        status in (
            'cancelled', 'checked_in', 'checked_out', 'confirmed', 'declined', 'expired', 'inquiry', 'no_show',
            'pending', 'requested', 'under_review'
        )
    ) is not true;
    create index if not exists booking_requests_unplaced_idx on booking_requests (tenant_id, id)
    where created_at is null or check_in is null;
    create index if not exists bookings_unknown_arrival_idx on bookings (tenant_id, check_in, id)
    where (
        status in (
            'inquiry', 'pending', 'requested', 'under_review', 'confirmed', 'checked_in', 'checked_out', 'cancelled',
            'declined', 'no_show'
        )
    ) is not true;
    create index if not exists bookings_unplaced_idx on bookings (tenant_id, id)
    where check_in is null;
end
$$;
