{decides},
        {note} = {noted},
        row_version = {next_version.r},
        updated_at = :at
