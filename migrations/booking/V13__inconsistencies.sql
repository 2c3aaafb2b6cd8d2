-- Rows that contradict each other are kept in a list, so that a page of it costs a
-- page. A check in the background fills it, tenant by tenant, and what other programs
-- write is noted when they write it, so that the list can judge it at once. Suits the
-- code before it, which knows none of these tables. Creating the triggers waits for
-- transactions that are writing to the three tables, and holds new ones up for that
-- moment; no row is read.

-- What was found. The list shows a row only after it has looked again whether it still
-- holds, so that this may be behind, in both directions.
create table inconsistencies (
    tenant_id uuid not null,
    -- The place of its kind in the list.
    kind_number integer not null,
    -- The request, the booking or the inventory range.
    row_id uuid not null,
    found_at timestamptz not null,
    constraint inconsistencies_pkey primary key (tenant_id, kind_number, row_id)
);
create index inconsistencies_row_idx on inconsistencies (tenant_id, row_id);

-- Rows that other programs have written and nobody has judged since. A row for each
-- write, so that writers never wait for each other here, and one that is judged while
-- it is written again stays noted.
create table inconsistency_suspects (
    tenant_id uuid not null,
    id uuid not null default gen_random_uuid(),
    -- As text, whatever type the column has; null for all rows of the tenant.
    written_row text,
    constraint inconsistency_suspects_pkey primary key (tenant_id, id)
);

-- How far the check of a tenant's rows is. The lock on the row keeps two servers from
-- checking a tenant at once.
create table inconsistency_checks (
    tenant_id uuid not null,
    -- What is being walked through: 0 requests, 1 bookings, 2 inventory ranges, 3 what
    -- was found before.
    phase integer not null default 0,
    -- The last row of it that was checked.
    after_kind integer not null default 0,
    after_id uuid not null default '00000000-0000-0000-0000-000000000000',
    begun_at timestamptz,
    finished_at timestamptz,
    constraint inconsistency_checks_pkey primary key (tenant_id)
);

do $$
declare
    table_name text;
begin
    foreach table_name in array array['inconsistencies', 'inconsistency_suspects', 'inconsistency_checks']
    loop
        execute format('alter table %I enable row level security', table_name);
        execute format('alter table %I force row level security', table_name);
        execute format(
            'create policy tenant_only on %I '
            'using (tenant_id = nullif(current_setting(''app.tenant'', true), '''')::uuid) '
            'with check (tenant_id = nullif(current_setting(''app.tenant'', true), '''')::uuid)',
            table_name
        );
    end loop;
end
$$;

grant select, insert, delete on inconsistencies to frontdesk_booking;
-- Taking a row locks it, for which an update of one column has to be allowed.
grant select, delete, update (written_row) on inconsistency_suspects to frontdesk_booking;
grant select, insert, update on inconsistency_checks to frontdesk_booking;

-- The trigger writes as the owner of the tables, to whom row-level security applies
-- as well, and other programs may write rows of several tenants at once. Nobody but
-- the owner may insert here.
create policy owner_notes on inconsistency_suspects for insert with check (true);

-- Notes what a program other than booking has written. It must never make that
-- program's write fail: it reads the row by names that may be missing and as text,
-- whatever became of the columns. A transaction that writes more than a thousand rows
-- notes the tenant instead.
create function note_inconsistency_suspect() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    written jsonb;
    tenant text;
    noted integer := coalesce(nullif(current_setting('app.suspects_noted', true), ''), '0')::integer;
    known constant text := '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$';
begin
    foreach written in array case tg_op
        when 'INSERT' then array[to_jsonb(new)]
        when 'DELETE' then array[to_jsonb(old)]
        else array[to_jsonb(old), to_jsonb(new)]
    end
    loop
        tenant := written ->> 'tenant_id';
        continue when tenant is null or tenant !~ known;
        if noted < 1000 then
            insert into public.inconsistency_suspects (tenant_id, written_row)
            select distinct tenant::uuid, touched.id
            from (values (written ->> 'id'), (written ->> 'source_id')) as touched (id)
            where touched.id is not null;
            noted := noted + 1;
            perform set_config('app.suspects_noted', noted::text, true);
        elsif tenant is distinct from nullif(current_setting('app.suspects_of', true), '') then
            insert into public.inconsistency_suspects (tenant_id, written_row) values (tenant::uuid, null);
            perform set_config('app.suspects_of', tenant, true);
        end if;
    end loop;
    return null;
end
$$;
revoke execute on function note_inconsistency_suspect() from public;

-- Booking's own changes pay the condition, which is not worth measuring. In a database
-- of the single-table layout there is no table of requests.
do $$
declare
    table_name text;
begin
    foreach table_name in array array['booking_requests', 'bookings', 'inventory_ranges']
    loop
        if to_regclass('public.' || table_name) is not null then
            execute format(
                'create trigger note_inconsistency_suspect after insert or update or delete on %I '
                'for each row when (current_user <> ''frontdesk_booking'') '
                'execute function note_inconsistency_suspect()',
                table_name
            );
        end if;
    end loop;
end
$$;

-- The check finds its tenants as the sweeper, which sees that they are there and that
-- something was written, nothing else. Rows are read as booking, tenant by tenant.
grant select (tenant_id) on properties to frontdesk_booking_sweeper;
create policy sweeper_sees_tenants on properties for select to frontdesk_booking_sweeper using (true);
grant select (tenant_id) on inconsistency_suspects to frontdesk_booking_sweeper;
create policy sweeper_sees_suspected_tenants on inconsistency_suspects
for select to frontdesk_booking_sweeper using (true);
