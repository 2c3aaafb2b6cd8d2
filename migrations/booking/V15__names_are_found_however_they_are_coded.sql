-- One letter can be coded in several ways (`ü`, and `u` with a mark behind it, as macOS
-- writes), and names hold characters that nobody sees. Searches found only what was
-- coded as the question was. Suits the code before it, which asks by the same functions:
-- rows that exist get their keys in the next migration, until which they are found as
-- before.

-- It is called by what is safe in parallel, and is so itself.
alter function public.properties_shown_name(text) parallel safe;

-- As before, of what can be seen of a text, composed.
create or replace function frontdesk_text_key(given text) returns text
language sql immutable strict parallel safe
as $$
select lower(translate(
    replace(replace(replace(replace(public.properties_shown_name(given), 'ß', 'ss'), 'ẞ', 'ss'), 'æ', 'ae'), 'Æ', 'ae'),
    'ÀÁÂÃÄÅàáâãäåĀāĂăĄąÇçĆćČčĎďÈÉÊËèéêëĒēĖėĘęĚěĞğÌÍÎÏìíîïĪīĮįİıŁłÑñŃńŇňÒÓÔÕÖØòóôõöøŌōŐőŘřŚśŞşŠšŤťÙÚÛÜùúûüŪūŮůŰűŲųÝýÿŸŹźŻżŽž',
    'AAAAAAaaaaaaAaAaAaCcCcCcDdEEEEeeeeEeEeEeEeGgIIIIiiiiIiIiIiLlNnNnNnOOOOOOooooooOoOoRrSsSsSsTtUUUUuuuuUuUuUuUuYyyYZzZzZz'
))
$$;

-- Keys are as long as a search can be and no longer: what is longer would not fit into
-- an index, so that another program could not store its row, nor into the token of a
-- page.
create or replace function frontdesk_customer_keys() returns trigger
language plpgsql
as $$
declare
    longest constant integer := 400;
begin
    new.archived := new.archived_at is not null;
    new.name_key := left(public.frontdesk_text_key(coalesce(new.name, '')), longest);
    -- Only where it is not the whole name.
    new.last_name_key :=
        left(substring(public.frontdesk_text_key(coalesce(new.name, '')) from '\s(\S+)$'), longest);
    new.email_key := nullif(left(public.frontdesk_text_key(coalesce(new.email, '')), longest), '');
    new.phone_key := nullif(left(public.frontdesk_phone_key(coalesce(new.phone, '')), longest), '');
    return new;
end
$$;

-- The next migration fills the keys of rows that exist. It runs as the owner, for whom
-- row-level security is forced as well, so until then the owner sees all of them.
do $$
begin
    execute format(
        'create policy migration_fills_keys on customers to %I using (true) with check (true)', current_user
    );
end
$$;
