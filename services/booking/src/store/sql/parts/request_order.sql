order by
    r.created_at desc, r.id desc, -- if :created_before
    r.created_at, -- if :created_after
    r.check_in, r.created_at, -- if :check_in_after
    r.id
