-- Under row-level security an index is searched by leakproof operators only, and
-- those of ranges are not: `&&` was applied after every row of a property had been
-- read. What shares a night is found by comparing dates on these btrees instead.
-- Exclusion constraints stay, they decide; their indexes answer no questions.
--
-- Each index is built while its table can be read but not written, about a second
-- for a million rows. Where that is too long, create them beforehand under these
-- names with `create index concurrently`: a migration runs in a transaction and
-- cannot, and takes what it finds.

-- Rows from before the rule may break it. A check that is not valid would refuse
-- every update of such a row, so that a long booking could not even be cancelled:
-- the rule is taken back there, and `frontdesk doctor` names it. The row is found by
-- whoever looks for shared nights all the same.
do $$
declare
    rule record;
begin
    for rule in
        select conrelid::regclass as stays, conname as name
        from pg_constraint
        where conname in ('bookings_nights_check', 'booking_requests_nights_check')
          and not convalidated
    loop
        begin
            execute format('alter table %s validate constraint %I', rule.stays, rule.name);
        exception
            when check_violation then
                raise warning '% has stays of more than 366 nights; they stay as they are', rule.stays;
                execute format('alter table %s drop constraint %I', rule.stays, rule.name);
        end;
    end loop;
end
$$;

-- The statements say it in these words, which rules out the index of the exclusion
-- constraint: `state = 'active'` does not follow from them.
create index if not exists inventory_ranges_property_start_idx
on inventory_ranges (tenant_id, property_id, start_date, end_date)
where (state = 'active') is true;

-- A search for shared nights begins a month back, or at the earliest of the ranges
-- that are longer and have not ended: they are few, so that most writers pay nothing.
create index if not exists inventory_ranges_long_idx
on inventory_ranges (tenant_id, property_id, start_date, end_date)
where end_date > start_date + 31;

-- In a single table of another program they are for its owner to make: `frontdesk
-- doctor` prints them.
do $$
begin
    if to_regclass('public.booking_requests') is null then
        return;
    end if;

    -- Lists by check-in, of the tenant, of a status, of a property. The day of departure
    -- comes last: a stay that is over is passed over in the index, without its row.
    create index if not exists bookings_arrival_idx on bookings (tenant_id, check_in, id, check_out);
    create index if not exists bookings_status_arrival_idx on bookings (tenant_id, status, check_in, id, check_out);
    -- And who has a night of a property.
    create index if not exists bookings_property_arrival_idx
    on bookings (tenant_id, property_id, check_in, id, check_out);

    create index if not exists booking_requests_status_creation_idx on booking_requests (
        tenant_id,
        (
            case
                when status in ('requested', 'under_review')
                    and (confirmed_at is not null or approved_booking_id is not null)
                    then 'confirmed'
                else status
            end
        ),
        created_at,
        id,
        check_in,
        check_out
    );
    create index if not exists booking_requests_status_arrival_idx on booking_requests (
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
        id,
        check_out
    );
    -- Requests that compete for dates.
    create index if not exists booking_requests_open_arrival_idx
    on booking_requests (tenant_id, property_id, check_in, check_out)
    where status in ('requested', 'under_review');

    -- Long stays, as above: of a property, and of the tenant from a date on.
    create index if not exists bookings_long_idx on bookings (tenant_id, property_id, check_in, check_out)
    where check_out > check_in + 31;
    create index if not exists bookings_long_departure_idx on bookings (tenant_id, check_out, check_in)
    where check_out > check_in + 31;
    create index if not exists booking_requests_long_idx
    on booking_requests (tenant_id, property_id, check_in, check_out)
    where check_out > check_in + 31;
    create index if not exists booking_requests_long_departure_idx
    on booking_requests (tenant_id, check_out, check_in)
    where check_out > check_in + 31;
end
$$;
