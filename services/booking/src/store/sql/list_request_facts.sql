-- Requests with what surrounds each, in the words of an approval's surroundings: each
-- request once for every part, and once if there is none. Those whose nights or status
-- cannot be shown are left out.
select
    {request_names},
    a.part, a.id, a.guest_id, a.property_id, a.word, a.start_date, a.end_date, a.source_id
from (
    select {request_columns}
    from {requests} r
    where r.tenant_id = :tenant
      and r.id = any (:rows)
      and {live}
      and {unjudged.requests} = array[]::text[]
) as r
left join lateral (
{surroundings.of_each}
) as a on true
order by r.id
