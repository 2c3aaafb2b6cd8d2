cross join lateral (
    select {request_columns}
    from {requests} r
    where r.tenant_id = :tenant
      and r.id = page.id
    limit 1
) as r
{linked}
