-- Check and exclusion constraints with the columns that their condition looks at;
-- for an exclusion also those that its ranges are made of.
select
    c.relname::text as table_name,
    k.conname::text as name,
    k.contype::text as kind,
    k.convalidated as validated,
    pg_get_constraintdef(k.oid) as definition,
    coalesce(pg_get_expr(k.conbin, k.conrelid), pg_get_expr(x.indpred, x.indrelid), 'true') as condition,
    array(
        select a.attname::text
        from pg_attribute a
        where a.attrelid = k.conrelid
          and case k.contype
              when 'c' then a.attnum = any (k.conkey)
              else exists (
                  select
                  from pg_depend d
                  where d.classid = 'pg_class'::regclass
                    and d.objid = k.conindid
                    and d.refclassid = 'pg_class'::regclass
                    and d.refobjid = k.conrelid
                    and d.refobjsubid = a.attnum
              )
          end
    ) as columns
from pg_constraint k
join pg_class c on c.oid = k.conrelid
left join pg_index x on x.indexrelid = k.conindid
where c.relnamespace = 'public'::regnamespace
  and c.relname in ('booking_requests', 'bookings', 'inventory_ranges')
  and k.contype in ('c', 'x')
