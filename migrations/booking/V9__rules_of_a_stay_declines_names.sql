-- Rules of a stay, reasons of declines as words, names that look alike, and what an
-- early departure leaves behind. Suits the code before it: every new column may be
-- null, and nothing goes. Adding such columns takes its lock for a moment only,
-- however many rows there are.

-- What the guest asks for has to keep to; null is no rule. Days of the week count
-- from Monday: places 1 to 7 of the lists by day, 0 there being as the rule for all.
alter table properties
    add column min_nights integer,
    add column max_nights integer,
    add column min_nights_by_arrival integer[],
    add column max_nights_by_arrival integer[],
    add column closed_to_arrival integer[],
    add column closed_to_departure integer[],
    -- Days between the asking and the arrival: at least, and at most.
    add column lead_days integer,
    add column horizon_days integer,
    -- Nights that stay empty between two stays.
    add column turnover_days integer,
    add constraint properties_stay_rules_check check (
        min_nights between 1 and 366
        and max_nights between 1 and 366
        and lead_days between 0 and 366
        and horizon_days between 1 and 3660
        and turnover_days between 0 and 30
        and closed_to_arrival <@ array[1, 2, 3, 4, 5, 6, 7]
        and closed_to_departure <@ array[1, 2, 3, 4, 5, 6, 7]
    );

-- What can be seen of a name: composed, without characters of no width, fillers and
-- selectors, with single spaces. Postgres composes in one encoding only; in others
-- few of these characters exist.
create function public.properties_shown_name(name text) returns text
language plpgsql immutable as $$
declare
    unseen constant text := '[\u00AD\u034F\u061C\u115F\u1160\u17B4\u17B5\u180B-\u180F\u200B-\u200F'
        || '\u202A-\u202E\u2060-\u206F\u2800\u3164\uFE00-\uFE0F\uFEFF\uFFA0\uFFF0-\uFFFB]';
    blanks constant text := '[\s\u00A0\u1680\u2000-\u200A\u2028\u2029\u202F\u205F\u3000]+';
begin
    if getdatabaseencoding() <> 'UTF8' then
        return btrim(regexp_replace(name, '\s+', ' ', 'g'));
    end if;
    return btrim(regexp_replace(normalize(regexp_replace(name, unseen, '', 'g'), nfc), blanks, ' ', 'g'));
end
$$;

-- Two names of a tenant must not look the same, whoever writes them. Of names that do
-- so already, the oldest has the key and the others stay as they are: the key is made
-- when a name is stored or changes.
alter table properties add column name_key text;
create function public.properties_key_name() returns trigger
language plpgsql as $$
begin
    if tg_op = 'INSERT' or new.name is distinct from old.name then
        new.name_key := public.properties_shown_name(new.name);
    end if;
    return new;
end
$$;
create trigger properties_key_name before insert or update on properties
for each row execute function public.properties_key_name();
-- Row-level security is forced, so that not even the owner sees the rows of all
-- tenants; taken back for this statement, inside this transaction.
alter table properties no force row level security;
update properties p
set name_key = k.shown
from (
    select
        tenant_id, id, public.properties_shown_name(name) as shown,
        row_number() over (
            partition by tenant_id, public.properties_shown_name(name) order by created_at, id
        ) as place
    from properties
) k
where k.place = 1
  and p.tenant_id = k.tenant_id
  and p.id = k.id;
alter table properties force row level security;
create unique index properties_shown_name_key on properties (tenant_id, name_key);

-- The day of departure that was booked, when the guest left before it: the nights
-- that are left belong to `check_out` no more, so that others can have them.
alter table bookings add column booked_check_out date;

-- Rules of the stay that somebody with the right to do so set aside.
alter table booking_events add column overridden_rules text[];

-- Why a request was declined, as a word, and what the guest is told of it. In the
-- single-table layout requests are rows of `bookings`.
do $$
begin
    if to_regclass('booking_requests') is null then
        alter table bookings
            add column if not exists decline_reason_code text,
            add column if not exists decline_message text;
    else
        alter table booking_requests
            add column decline_reason_code text,
            add column decline_message text;
        -- Holds of requests that are closed must not keep those of open ones from
        -- running out.
        grant select (status) on booking_requests to frontdesk_booking_sweeper;
    end if;
end
$$;
