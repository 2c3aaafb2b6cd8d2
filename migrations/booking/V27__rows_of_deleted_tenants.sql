-- What booking has of a tenant goes when identity has deleted the tenant, by the role that looks
-- across tenants, and in a transaction that names the tenant: the role of the service itself
-- deletes no booking, whatever is wrong with a statement. Suits the code of before, which deletes
-- none. Rows of a single table are deleted as well.
do $$
declare
    table_name text;
    key text;
begin
    for table_name, key in
        select *
        from (values
            ('booking_requests', 'id'), ('bookings', 'id'), ('inventory_ranges', 'id'),
            ('booking_events', 'id'), ('idempotency_keys', 'key'), ('inconsistency_suspects', 'id'),
            ('inconsistencies', 'row_id'), ('inconsistency_checks', 'tenant_id'),
            ('booking_settings', 'tenant_id'), ('customers', 'id'), ('properties', 'id'),
            ('feed_heads', 'tenant_id')
        ) as tables (name, key)
        -- In a database of the single-table layout there is no table of requests.
        where to_regclass('public.' || name) is not null
    loop
        execute format(
            'grant delete, select (tenant_id, %I) on %I to frontdesk_booking_sweeper', key, table_name
        );
        execute format(
            'create policy sweeper_deletes_named_tenants on %I to frontdesk_booking_sweeper '
            'using (tenant_id in ('
            'select unnest(string_to_array(current_setting(''app.tenants'', true), '',''))::uuid))',
            table_name
        );
    end loop;
end
$$;

-- The database of identity that was asked first which tenants are deleted: nothing is deleted
-- because another one says so. One row, of no tenant, for the role that deletes.
create table frontdesk_booking_identity (
    only_row boolean not null default true,
    database_id uuid not null,
    known_since timestamptz not null default now(),
    constraint frontdesk_booking_identity_pkey primary key (only_row),
    constraint frontdesk_booking_identity_only_row_check check (only_row)
);
grant select, insert on frontdesk_booking_identity to frontdesk_booking_sweeper;

-- Of which tenants there is something here, also if that is the state of a check alone, or what
-- another program stores without a property. Ids are all that the role may read of it.
create policy sweeper_sees_checked_tenants on inconsistency_checks
for select to frontdesk_booking_sweeper using (true);
create policy sweeper_sees_tenants_of_bookings on bookings
for select to frontdesk_booking_sweeper using (true);
create policy sweeper_sees_tenants_of_customers on customers
for select to frontdesk_booking_sweeper using (true);
