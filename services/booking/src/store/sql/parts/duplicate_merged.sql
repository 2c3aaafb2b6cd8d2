merged as (
    update customers c
    set archived_at = coalesce(c.archived_at, :at), merged_into = :kept, updated_at = :at
    where c.tenant_id = :tenant
      and c.id = :duplicate
    returning c.tenant_id, {customer_columns}
)
