-- One walk along an index per status, merged: as flat for a rare status as for a
-- common one.
select {names}
from unnest($2::text[]) as wanted (status)
cross join lateral (
    select {columns}
    from {requests} r
    where r.tenant_id = $1
      and {effective} = wanted.status
      and {live}
      and {after}
      {filters}
    order by {order}
    limit $5
) as r
order by {order}
limit $5
