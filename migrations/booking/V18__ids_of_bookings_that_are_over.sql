-- An id of another system names one booking that stands. One that is cancelled, declined
-- or a no-show leaves its id to the next: a channel that moves a stay cancels it and
-- books it anew by the same id. Until now the id stayed with the first booking for good.
--
-- Code from before this looks up the first booking that it finds by an id and stores
-- nothing for it; with both indexes that stays as it is.
--
-- Writers of bookings wait while the table is read twice for the indexes, a second for a
-- million rows; few rows have such an id. A status that is no text, as a single table of
-- another program may have it, keeps the index that it has: there an id is not given
-- again.
do $$
begin
    if not exists (
        select
        from pg_attribute
        where attrelid = to_regclass('public.bookings')
          and attname = 'status'
          and atttypid in ('text'::regtype, 'varchar'::regtype)
    ) then
        raise notice 'bookings.status is no text: external ids stay with the first booking';
        return;
    end if;
    create index if not exists bookings_external_id_idx on bookings (tenant_id, source, external_id)
    where external_id is not null;
    create unique index if not exists bookings_standing_external_id_key
    on bookings (tenant_id, source, external_id)
    where external_id is not null
      and deleted_at is null
      and (status in ('cancelled', 'declined', 'no_show')) is not true;
    drop index if exists bookings_external_id_key;
end
$$;
