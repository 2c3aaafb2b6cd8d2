and (r.created_at, r.id) < (:created_before, :after_id) -- if :created_before
      and (r.created_at, r.id) > (:created_after, :after_id) -- if :created_after
      and (r.check_in, r.id) > (:check_in_after, :after_id) -- if :check_in_after
