insert into things (tenant_id, id, made_at, due, size, data, tags, note)
values (:tenant, :id, :made_at, :due, :size, :data, :tags, :note)
returning id
