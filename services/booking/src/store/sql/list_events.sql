-- One without a time, of another program, comes first. Each part is read along the index.
(
    select {event_columns}
    from booking_events e
    where e.tenant_id = :tenant
      and e.booking_request_id = :request
      and e.at is null
      and ('-infinity'::timestamptz, e.id) > (:after_at, :after_id)
    order by e.id
    limit :most
)
union all
(
    select {event_columns}
    from booking_events e
    where e.tenant_id = :tenant
      and e.booking_request_id = :request
      and (e.at, e.id) > (:after_at, :after_id)
    order by e.at, e.id
    limit :most
)
limit :most
