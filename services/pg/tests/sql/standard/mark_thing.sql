update things set note = :note where tenant_id = :tenant and id = :id returning note, id
