long as materialized (
    select {request_columns}
    from {requests} r
    where r.tenant_id = :tenant
      and {long_request}
      and {live}
)
