update {things} set data = '\x00' where tenant_id = :tenant and id = :id returning note, id
