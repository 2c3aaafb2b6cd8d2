-- Triggers that fire for whoever writes.
select c.relname::text as table_name, t.tgname::text as name
from pg_trigger t
join pg_class c on c.oid = t.tgrelid
where c.relnamespace = 'public'::regnamespace
  and not t.tgisinternal
  and t.tgenabled in ('O', 'A')
