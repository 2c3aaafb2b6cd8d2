-- The rights that the migrations give and that are missing, each by its place in the arrays:
-- $1 what it is of, $2 the schema of that and $3 its name, $4 a function's arguments or the
-- column, $5 the role and $6 the privilege. What is not there at all is not told here.
-- Names are looked up in the catalog, since whoever may not use a schema may not name
-- anything in it.
select w.place::int4 as place
from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[])
    with ordinality as w (kind, in_schema, name, part, role, privilege, place)
join pg_catalog.pg_namespace n on n.nspname = w.in_schema
left join pg_catalog.pg_roles r on r.rolname = w.role
where not case w.kind
    when 'schema' then coalesce(has_schema_privilege(r.oid, n.oid, w.privilege), false)
    when 'table' then (
        -- What is given for each of the columns is as good as what is given for all.
        select coalesce(has_table_privilege(r.oid, c.oid, w.privilege), false)
            or r.oid is not null
            and case when w.privilege in ('select', 'insert', 'update')
                then not exists (
                    select
                    from pg_catalog.pg_attribute a
                    where a.attrelid = c.oid
                      and a.attnum > 0
                      and not a.attisdropped
                      and not has_column_privilege(r.oid, c.oid, a.attnum, w.privilege)
                )
                else false
            end
        from pg_catalog.pg_class c
        where c.relnamespace = n.oid
          and c.relname = w.name
          and c.relkind in ('r', 'p')
    )
    when 'column' then (
        select coalesce(has_column_privilege(r.oid, c.oid, a.attnum, w.privilege), false)
        from pg_catalog.pg_class c
        join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attname = w.part and not a.attisdropped
        where c.relnamespace = n.oid
          and c.relname = w.name
          and c.relkind in ('r', 'p')
    )
    when 'sequence' then (
        -- Whoever may update a sequence may take its next number, too.
        select coalesce(
            has_sequence_privilege(
                r.oid, c.oid, case w.privilege when 'usage' then 'usage, update' else w.privilege end
            ),
            false
        )
        from pg_catalog.pg_class c
        where c.relnamespace = n.oid
          and c.relname = w.name
          and c.relkind = 'S'
    )
    -- Who fires a trigger needs no right to run its function.
    when 'function' then (
        select coalesce(has_function_privilege(r.oid, p.oid, w.privilege), false)
        from pg_catalog.pg_proc p
        where p.pronamespace = n.oid
          and p.proname = w.name
          and p.prorettype <> 'pg_catalog.trigger'::pg_catalog.regtype
          and w.part = array_to_string(
              array(
                  select format_type(argument.ty, null)
                  from unnest(p.proargtypes::oid[]) with ordinality as argument (ty, place)
                  order by argument.place
              ),
              ','
          )
    )
end
order by w.place
