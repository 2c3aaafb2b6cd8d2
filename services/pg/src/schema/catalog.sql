-- Everything of a service that its migrations make, as the catalog has it: what it is,
-- of which relation, its name and its definition. $1 is the schema, $2 the table that
-- records its migrations, $3 the service's role; further roles begin with its name.
-- Names are whole and safe to paste as long as search_path is empty.
with relation as (
    select c.oid, c.relkind, c.reloptions, c.reltoastrelid, c.relacl, c.relowner, c.relpersistence, c.relrowsecurity, c.relforcerowsecurity,
        c.oid::regclass::text as name
    from pg_class c
    where c.relnamespace = to_regnamespace($1::text)
      and c.relkind in ('r', 'p', 'S')
      and c.relname !~ '^frontdesk_.*_migrations$'
      and not exists (
          select
          from pg_depend d
          where d.classid = 'pg_class'::regclass
            and d.objid = c.oid
            and d.deptype in ('e', 'i')
      )
),
own_function as (
    select p.oid, p.proacl, p.proowner, p.oid::regprocedure::text as name
    from pg_proc p
    where p.pronamespace = to_regnamespace($1::text)
      and p.prokind = 'f'
      and not exists (
          select
          from pg_depend d
          where d.classid = 'pg_proc'::regclass
            and d.objid = p.oid
            and d.deptype = 'e'
      )
),
-- As `deploy/database.sql` makes them: whoever connects has what the service's role has.
service_login as (
    select r.oid
    from pg_roles r
    where r.rolcanlogin
      and r.rolname ~ '_login$'
),
own_role as (
    select r.oid, r.rolname::text as name, concat_ws(
        ' ',
        case when not r.rolinherit then 'noinherit' end,
        case when r.rolsuper then 'superuser' end,
        case when r.rolbypassrls then 'bypassrls' end,
        case when r.rolcreaterole then 'createrole' end,
        case when r.rolcreatedb then 'createdb' end,
        case when r.rolreplication then 'replication' end
    ) as attributes
    from pg_roles r
    where r.rolname = $3::text
       or starts_with(r.rolname::text, $3::text || '_')
       and r.oid not in (select l.oid from service_login l)
),
-- What one service's tables hold, another's roles and everybody else are kept from.
grantee as (
    select r.oid, r.rolname::text as name
    from pg_roles r
    where starts_with(r.rolname::text, split_part($3::text, '_', 1) || '_')
    union all
    select 0, 'public'
),
-- The owner of a table is called differently in each database.
policy as (
    select c.name as table_name, p.polname::text as name, p.polpermissive, p.polcmd,
        pg_get_expr(p.polqual, p.polrelid) as condition,
        pg_get_expr(p.polwithcheck, p.polrelid) as checked,
        array(
            select case when given = 0 then 'public' when given = c.relowner then '{owner}'
                else given::regrole::text end
            from unnest(p.polroles) given
            order by 1
        ) as roles
    from pg_policy p
    join relation c on c.oid = p.polrelid
)
select 'role' as kind, '' as relation, r.name, r.attributes as definition
from own_role r
union all
-- From Postgres 16 on each membership says by itself whether it is inherited, and there is
-- one for each grantor.
select 'membership', a.roleid::regrole::text, m.name,
    case when bool_or(coalesce((to_jsonb(a) ->> 'inherit_option')::boolean, false)) then 'inherits' else '' end
from pg_auth_members a
join own_role m on m.oid = a.member
group by a.roleid, m.name
union all
select 'schema', '', n.nspname::text, ''
from pg_namespace n
where n.nspname = $1::text
union all
select 'extension', '', e.extname::text, ''
from pg_extension e
where e.extname <> 'plpgsql'
union all
select 'sequence', '', c.name, format(
    'as %s increment by %s minvalue %s maxvalue %s start with %s cache %s%s',
    format_type(s.seqtypid, null), s.seqincrement, s.seqmin, s.seqmax, s.seqstart, s.seqcache,
    case when s.seqcycle then ' cycle' else '' end
)
from relation c
join pg_sequence s on s.seqrelid = c.oid
union all
select 'function', '', p.name, pg_get_functiondef(p.oid)
from own_function p
union all
select 'closed function', '', p.name, ''
from own_function p
where not exists (
    select
    from aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) g
    where g.grantee = 0
)
union all
select 'table', '', c.name, case c.relpersistence when 'u' then 'unlogged' else '' end
from relation c
where c.relkind <> 'S'
union all
-- What is stored out of line has its own.
select 'table option', c.name, split_part(set_option, '=', 1), split_part(set_option, '=', 2)
from relation c
cross join unnest(c.reloptions) as set_option
where c.relkind <> 'S'
union all
select 'table option', c.name, 'toast.' || split_part(set_option, '=', 1), split_part(set_option, '=', 2)
from relation c
join pg_class t on t.oid = c.reltoastrelid
cross join unnest(t.reloptions) as set_option
union all
-- A domain counts as what it is made of.
select 'column', c.name, quote_ident(a.attname),
    case t.typtype when 'd' then format_type(t.typbasetype, t.typtypmod) else format_type(a.atttypid, a.atttypmod) end
    || case when a.attcollation not in (0, t.typcollation)
        then ' collate ' || a.attcollation::regcollation::text else '' end
    || case when a.attgenerated = 's'
        then format(' generated always as (%s) stored', pg_get_expr(d.adbin, d.adrelid)) else '' end
    || case a.attidentity when 'a' then ' generated always as identity'
        when 'd' then ' generated by default as identity' else '' end
from relation c
join pg_attribute a on a.attrelid = c.oid
join pg_type t on t.oid = a.atttypid
left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
where c.relkind <> 'S'
  and a.attnum > 0
  and not a.attisdropped
union all
select 'not null', c.name, quote_ident(a.attname), ''
from relation c
join pg_attribute a on a.attrelid = c.oid
join pg_type t on t.oid = a.atttypid
where c.relkind <> 'S'
  and a.attnum > 0
  and not a.attisdropped
  and (a.attnotnull or t.typnotnull)
union all
select 'column option', c.name, quote_ident(a.attname) || '.' || split_part(set_option, '=', 1),
    split_part(set_option, '=', 2)
from relation c
join pg_attribute a on a.attrelid = c.oid
cross join unnest(a.attoptions) as set_option
where c.relkind <> 'S'
  and a.attnum > 0
  and not a.attisdropped
union all
select 'default', c.name, quote_ident(a.attname), pg_get_expr(d.adbin, d.adrelid)
from relation c
join pg_attribute a on a.attrelid = c.oid
join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
where a.attgenerated = ''
  and not a.attisdropped
union all
select 'constraint', c.name, quote_ident(k.conname), pg_get_constraintdef(k.oid)
from relation c
join pg_constraint k on k.conrelid = c.oid
where k.contype in ('c', 'f', 'p', 'u', 'x')
union all
select 'index', c.name, i.indexrelid::regclass::text,
    pg_get_indexdef(i.indexrelid) || case when i.indisvalid then '' else ' NOT VALID' end
from relation c
join pg_index i on i.indrelid = c.oid
where not exists (
    select
    from pg_constraint k
    where k.conindid = i.indexrelid
      and k.contype in ('p', 'u', 'x')
)
union all
select 'row security', c.name, 'enable', ''
from relation c
where c.relrowsecurity
union all
select 'row security', c.name, 'force', ''
from relation c
where c.relforcerowsecurity
union all
select 'policy', p.table_name, quote_ident(p.name), concat_ws(
    ' ',
    case when not p.polpermissive then 'as restrictive' end,
    'for ' || case p.polcmd when 'r' then 'select' when 'a' then 'insert' when 'w' then 'update'
        when 'd' then 'delete' else 'all' end,
    'to ' || array_to_string(p.roles, ', '),
    'using (' || p.condition || ')',
    'with check (' || p.checked || ')'
)
from policy p
union all
select 'trigger', c.name, quote_ident(t.tgname), pg_get_triggerdef(t.oid)
from relation c
join pg_trigger t on t.tgrelid = c.oid
where not t.tgisinternal
union all
select 'trigger that fires', c.name, quote_ident(t.tgname), ''
from relation c
join pg_trigger t on t.tgrelid = c.oid
where not t.tgisinternal
  and t.tgenabled in ('O', 'A')
union all
select case c.relkind when 'S' then 'grant on sequence' else 'grant' end, c.name, r.name, lower(g.privilege_type)
from relation c
cross join aclexplode(c.relacl) g
join grantee r on r.oid = g.grantee
where g.grantee <> c.relowner
union all
select 'grant', c.name, r.name, format('%s (%I)', lower(g.privilege_type), a.attname)
from relation c
join pg_attribute a on a.attrelid = c.oid and not a.attisdropped
cross join aclexplode(a.attacl) g
join grantee r on r.oid = g.grantee
where g.grantee <> c.relowner
union all
select 'grant', c.oid::regclass::text, r.name, lower(g.privilege_type)
from pg_class c
cross join aclexplode(c.relacl) g
join own_role r on r.oid = g.grantee
where c.oid = to_regclass($2::text)
union all
select 'grant on schema', '', r.name, 'usage on ' || n.nspname::text
from pg_namespace n
cross join own_role r
where n.nspname = $1::text
  and has_schema_privilege(r.oid, n.oid, 'usage')
union all
-- The schema "public" is everybody's, but to make something in it is not: before Postgres 15
-- it was, and databases from then still have it.
select 'grant on schema', '', 'public', 'create on public'
from pg_namespace n
cross join aclexplode(n.nspacl) g
where n.nspname = $1::text
  and n.nspname = 'public'
  and g.grantee = 0
  and g.privilege_type = 'CREATE'
union all
select 'grant on schema', '', r.name, lower(g.privilege_type) || ' on ' || n.nspname::text
from pg_namespace n
cross join aclexplode(n.nspacl) g
join grantee r on r.oid = g.grantee
where n.nspname = $1::text
  and n.nspname <> 'public'
  and g.grantee <> n.nspowner
  and not (g.privilege_type = 'USAGE' and exists (select from own_role o where o.oid = g.grantee))
union all
select 'grant on function', p.name, r.name, 'execute'
from own_function p
cross join own_role r
where has_function_privilege(r.oid, p.oid, 'execute')
