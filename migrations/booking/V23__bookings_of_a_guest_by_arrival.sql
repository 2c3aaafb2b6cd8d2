-- Lists of one guest's bookings in their order, by check-in. The property comes last: who
-- looks for a guest's booking at one property is led to that day of arrival, and passes
-- over other properties in the index.
--
-- In a transaction of its own, so that requests can be written meanwhile; as in V22, the
-- index may be created beforehand.
do $$
declare
    broken record;
begin
    if to_regclass('public.booking_requests') is null then
        return;
    end if;

    lock table bookings in share mode;
    for broken in
        select i.indexrelid::regclass as left_over
        from pg_index i
        where i.indrelid = 'bookings'::regclass
          and not i.indisvalid
    loop
        execute format('drop index %s', broken.left_over);
    end loop;

    create index if not exists bookings_guest_arrival_idx
    on bookings (tenant_id, guest_id, check_in, id, property_id);
end
$$;
