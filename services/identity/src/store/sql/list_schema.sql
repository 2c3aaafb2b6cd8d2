select c.relname::text as table_name, a.attname::text as name, false as is_constraint
from pg_catalog.pg_attribute a
join pg_catalog.pg_class c on c.oid = a.attrelid
where c.relnamespace = to_regnamespace('identity')
  and c.relkind in ('r', 'p')
  and a.attnum > 0
  and not a.attisdropped
union all
select c.relname::text, k.conname::text, true
from pg_catalog.pg_constraint k
join pg_catalog.pg_class c on c.oid = k.conrelid
where k.connamespace = to_regnamespace('identity')
