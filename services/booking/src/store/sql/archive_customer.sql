-- Puts it into the archive, or takes it out.
with stored as (
    update customers c
    set archived_at = :archived_at, updated_at = :at
    where c.tenant_id = :tenant
      and c.id = :id
    returning c.tenant_id, {customer_columns}
),
{customer_stored}
