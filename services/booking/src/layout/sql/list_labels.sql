-- The words of every enum, by the name under which statements find it.
select format_type(e.enumtypid, null)::text as name, array_agg(e.enumlabel::text order by e.enumsortorder) as labels
from pg_enum e
group by e.enumtypid
