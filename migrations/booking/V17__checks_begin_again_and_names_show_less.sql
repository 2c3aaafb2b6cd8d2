-- A check of a tenant's rows that is under way when a program has written very many goes
-- on to its end, and the next one begins at once. Two names that differ only by what
-- nobody sees are one name also where that lies beyond the first 65,536 characters.
-- Suits the code before it, which knows nothing of the new column and makes no keys of
-- names itself.

alter table inconsistency_checks add column again boolean not null default false;

-- As before, and without tags, the controls of musical, shorthand and hieroglyphic
-- notation, and other characters that fonts draw as nothing.
create or replace function public.properties_shown_name(name text) returns text
language plpgsql immutable parallel safe as $$
declare
    unseen constant text := '[\u00AD\u034F\u061C\u115F\u1160\u17B4\u17B5\u180B-\u180F\u200B-\u200F'
        || '\u202A-\u202E\u2060-\u206F\u2800\u3164\uFE00-\uFE0F\uFEFF\uFFA0\uFFF0-\uFFFB'
        || '\U00013430-\U0001343F\U0001BCA0-\U0001BCA3\U0001D173-\U0001D17A\U000E0000-\U000E0FFF]';
    blanks constant text := '[\s\u00A0\u1680\u2000-\u200A\u2028\u2029\u202F\u205F\u3000]+';
begin
    if getdatabaseencoding() <> 'UTF8' then
        return btrim(regexp_replace(name, '\s+', ' ', 'g'));
    end if;
    return btrim(regexp_replace(normalize(regexp_replace(name, unseen, '', 'g'), nfc), blanks, ' ', 'g'));
end
$$;

-- Names with such characters get their new key, unless another name has it: that one
-- keeps it, and the others stay as they are until they change. All names are read once.
-- Row-level security is forced, so that not even the owner sees the rows of all
-- tenants; taken back for these statements, inside this transaction.
alter table properties no force row level security;
update properties p
set name_key = null
where p.name_key <> public.properties_shown_name(p.name);
update properties p
set name_key = k.shown
from (
    select
        q.tenant_id, q.id, public.properties_shown_name(q.name) as shown,
        row_number() over (
            partition by q.tenant_id, public.properties_shown_name(q.name) order by q.created_at, q.id
        ) as place
    from properties q
    where q.name_key is null
) k
where k.place = 1
  and p.tenant_id = k.tenant_id
  and p.id = k.id
  and not exists (
      select
      from properties other
      where other.tenant_id = k.tenant_id
        and other.name_key = k.shown
  );
alter table properties force row level security;
