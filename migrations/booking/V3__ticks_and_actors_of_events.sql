-- Events are ticked when they are written and numbered when they are read.
--
-- A tick comes from a sequence, in the last statement of a change and behind every
-- row that the change may have had to wait for. A sequence only goes up, whoever
-- takes from it, so an event that knew of another has the higher tick. That needs a
-- cache of one: sessions that kept ticks in stock would hand out old ones late.
-- `number` is the place in the tenant's feed, without gaps, given in the order of the
-- ticks by whoever reads first (`feed_heads` is the lock). Both are columns, so a feed
-- goes on in another cluster; nothing looks at transaction ids any more.
--
-- Services of the version before go on while this is applied: they read and write
-- `position`, which keeps its default and its index, and their events get ticks by
-- default. A later migration drops both. The locks of this file are short: nothing
-- here reads or writes the rows of a table.
--
-- In a database of the single-table layout there is no table of requests.
create sequence booking_event_ticks as bigint cache 1;
grant usage on sequence booking_event_ticks to frontdesk_booking;

alter table booking_events
    drop constraint booking_events_subject_check,
    -- Null only for events from before this migration, until the next one.
    add column tick bigint,
    add column number bigint,
    -- Who did it: `user`, `api_key`, `operator`, `system`; empty for events from before
    -- this migration. `actor` stays the user, if one was behind it.
    add column actor_kind text not null default '',
    add column actor_id uuid,
    add column on_behalf_of uuid,
    -- Subjects beside request, booking and property; settings have none.
    add column customer_id uuid,
    add column block_id uuid;
alter table booking_events alter column tick set default nextval('booking_event_ticks');

-- Nothing has a number yet, so the index is made of nothing.
create unique index booking_events_number_idx on booking_events (tenant_id, number)
where number is not null;

-- The service writes numbers, and nothing else of an event.
grant update (number) on booking_events to frontdesk_booking;

-- Who decided on a request, in the table that has the requests.
do $$
declare
    requests text := case
        when to_regclass('public.booking_requests') is null then 'bookings'
        else 'booking_requests'
    end;
begin
    execute format(
        'alter table %I add column decider_kind text not null default '''', add column decider_id uuid',
        requests
    );
end
$$;

-- Where each tenant's feed is. Whoever numbers events holds the row's lock.
create table feed_heads (
    tenant_id uuid not null,
    -- The highest number that was given.
    head bigint not null default 0,
    -- The feed no longer gives events up to this number: they are older than it keeps.
    forgotten bigint not null default 0,
    constraint feed_heads_pkey primary key (tenant_id),
    constraint feed_heads_order_check check (0 <= forgotten and forgotten <= head)
);
alter table feed_heads enable row level security;
alter table feed_heads force row level security;
create policy tenant_only on feed_heads
using (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid)
with check (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
grant select, insert, update on feed_heads to frontdesk_booking;

-- For the next migration, which looks at every tenant's events: row-level security
-- holds for the schema's owner, too. The one after it takes this away.
do $$
begin
    execute format('create policy owner_numbers_events on booking_events to %I using (true)', current_user);
    execute format(
        'create policy owner_numbers_heads on feed_heads to %I using (true) with check (true)',
        current_user
    );
end
$$;
