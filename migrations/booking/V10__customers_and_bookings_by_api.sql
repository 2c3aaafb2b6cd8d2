-- Customers and bookings that are made by calls and imports: where a record comes
-- from, what its id is there, and by what a customer is found. Suits the code before
-- it: new columns have defaults, which are kept in the catalog, so that no table is
-- rewritten and each lock lasts a moment. Rows that exist get their search keys in the
-- next migration, which holds no such lock.

alter table customers
    add column external_id text,
    -- The system that `external_id` is of; one customer may be known to several
    -- systems only as several rows, which can be merged.
    add column source text not null default '',
    add column notes text not null default '',
    add column archived_at timestamptz,
    -- The customer that this one was merged into; it is archived then.
    add column merged_into uuid,
    add column updated_at timestamptz not null default now(),
    -- What follows is written by the trigger below. Whether it is archived: a column
    -- of its own, because an index leads from it to the names.
    add column archived boolean not null default false,
    add column name_key text collate "C",
    add column last_name_key text collate "C",
    add column email_key text collate "C",
    add column phone_key text collate "C",
    add constraint customers_merged_check check (merged_into is null or archived_at is not null) not valid;
-- No row has a value yet, so this looks at none for long, and writers go on.
alter table customers validate constraint customers_merged_check;

-- A text as it is searched for: without case and the accents of Latin letters, whatever
-- the locale of the database. Searches compare the beginnings of such keys byte by byte
-- (collation "C"): under row-level security only comparisons that cannot leak lead into
-- an index, and `like` and functions of a column are not among them.
create function frontdesk_text_key(given text) returns text
language sql immutable strict parallel safe
as $$
select lower(translate(
    replace(replace(replace(replace(btrim(given), 'ß', 'ss'), 'ẞ', 'ss'), 'æ', 'ae'), 'Æ', 'ae'),
    'ÀÁÂÃÄÅàáâãäåĀāĂăĄąÇçĆćČčĎďÈÉÊËèéêëĒēĖėĘęĚěĞğÌÍÎÏìíîïĪīĮįİıŁłÑñŃńŇňÒÓÔÕÖØòóôõöøŌōŐőŘřŚśŞşŠšŤťÙÚÛÜùúûüŪūŮůŰűŲųÝýÿŸŹźŻżŽž',
    'AAAAAAaaaaaaAaAaAaCcCcCcDdEEEEeeeeEeEeEeEeGgIIIIiiiiIiIiIiLlNnNnNnOOOOOOooooooOoOoRrSsSsSsTtUUUUuuuuUuUuUuUuYyyYZzZzZz'
))
$$;

-- The digits of a phone number, however it is written: `+49 (0)89 555` and
-- `0049 89555` are one number.
create function frontdesk_phone_key(given text) returns text
language sql immutable strict parallel safe
as $$
select regexp_replace(
    regexp_replace(
        case when btrim(given) ~ '^(\+|00)' then replace(given, '(0)', '') else given end,
        '[^0-9]', '', 'g'
    ),
    '^00', ''
)
$$;

-- Other programs write customers too, so the keys are the table's own affair. Names are
-- qualified, because a restore runs without a search path.
create function frontdesk_customer_keys() returns trigger
language plpgsql
as $$
begin
    new.archived := new.archived_at is not null;
    new.name_key := public.frontdesk_text_key(coalesce(new.name, ''));
    -- Only where it is not the whole name.
    new.last_name_key := substring(new.name_key from '\s(\S+)$');
    new.email_key := nullif(public.frontdesk_text_key(coalesce(new.email, '')), '');
    new.phone_key := nullif(public.frontdesk_phone_key(coalesce(new.phone, '')), '');
    return new;
end
$$;
create trigger customer_keys before insert or update on customers
for each row execute function frontdesk_customer_keys();

-- The next migration fills the keys of rows that exist. It runs as the owner, for whom
-- row-level security is forced as well, so until then the owner sees all of them.
do $$
begin
    execute format(
        'create policy migration_fills_keys on customers to %I using (true) with check (true)', current_user
    );
end
$$;

alter table bookings
    -- Where it was made: `staff`, or the name of a channel.
    add column source text not null default '',
    add column external_id text;
