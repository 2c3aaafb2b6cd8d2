update t set touched = touched + 1 where id = :id
