guest as (
    -- Not in the archive; whoever archives or merges the customer waits.
    select c.id
    from customers c
    where c.tenant_id = :tenant
      and c.id = :guest
      and c.archived = false
    for share of c
)
