select
    c.relname::text as table_name,
    a.attname::text as name,
    format_type(case t.typtype when 'd' then t.typbasetype else t.oid end, null)::text as type,
    false as is_constraint
from pg_catalog.pg_attribute a
join pg_catalog.pg_class c on c.oid = a.attrelid
join pg_catalog.pg_type t on t.oid = a.atttypid
where c.relnamespace = to_regnamespace('identity')
  and c.relkind in ('r', 'p')
  and a.attnum > 0
  and not a.attisdropped
union all
select c.relname::text, k.conname::text, '', true
from pg_catalog.pg_constraint k
join pg_catalog.pg_class c on c.oid = k.conrelid
where k.connamespace = to_regnamespace('identity')
