-- No row when the external id is that of another customer, however it is spelled there.
with stored as (
    insert into customers as c (
        tenant_id, id, name, email, phone, external_id, source, notes, created_at, updated_at
    )
    select :tenant, :id, :name, :email, :phone, :external_id, :source, :notes, :at, :at
    where not exists (
        select
        from customers known
        where known.tenant_id = :tenant
          and known.source = any (:sources)
          and known.external_id = any (:external_ids)
    )
    on conflict (tenant_id, source, external_id) where external_id is not null do nothing
    returning c.tenant_id, {customer_columns}
),
{customer_stored}
