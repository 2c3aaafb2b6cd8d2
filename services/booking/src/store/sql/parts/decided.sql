{decides},
        {note} = {noted},
        row_version = coalesce(r.row_version, 0) + 1,
        updated_at = :at
