-- Tables with their columns; a domain counts as what it is made of.
select
    c.relname::text as name,
    array_agg(a.attname::text order by a.attnum) as columns,
    array_agg(format_type(t.oid, null)::text order by a.attnum) as types,
    array_agg(a.attname::text order by a.attnum) filter (where t.typtype = 'e') as enums,
    array_agg(a.attname::text order by a.attnum) filter (where a.attnotnull or d.typnotnull) as not_null
from pg_class c
join pg_attribute a on a.attrelid = c.oid
join pg_type d on d.oid = a.atttypid
join pg_type t on t.oid = case d.typtype when 'd' then d.typbasetype else d.oid end
where c.relnamespace = 'public'::regnamespace
  and c.relkind in ('r', 'p')
  and a.attnum > 0
  and not a.attisdropped
group by c.oid, c.relname
