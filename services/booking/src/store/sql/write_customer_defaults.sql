-- A customer who was archived stays so, whenever that was.
update customers r
set
    email = coalesce(r.email, ''),
    phone = coalesce(r.phone, ''),
    source = coalesce(r.source, ''),
    notes = coalesce(r.notes, ''),
    archived = r.archived_at is not null or r.archived is true,
    archived_at = case
        when {nameable.archived_at} then r.archived_at
        when r.archived_at is not null or r.archived then :at
    end,
    created_at = case when {nameable.created_at} then r.created_at else :at end,
    updated_at = :at
where r.tenant_id = :tenant
  and r.id = :id
