{after_creation}
          and (r.check_in, r.created_at, r.id) > (:check_in_after, :beside_created_at, :after_id) -- if :check_in_after
          and r.created_at is not null -- if :check_in_after
