and (r.created_at, r.id) < (least(:created_before, :created_to), :after_id) -- if :created_before
          and (r.created_at, r.id) > (greatest(:created_after, :created_from), :after_id) -- if :created_after
