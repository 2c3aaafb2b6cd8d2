with stored as (
    update customers c
    set
        name = :name,
        email = :email,
        phone = :phone,
        external_id = :external_id,
        source = :source,
        notes = :notes,
        updated_at = :at
    where c.tenant_id = :tenant
      and c.id = :id
    returning c.tenant_id, {customer_columns}
),
{customer_stored}
