and r.check_out > :stay_from -- if :stay_from
      and r.check_in < :stay_to -- if :stay_to
      and r.created_at >= :created_from -- if :created_from
      and r.created_at < :created_to -- if :created_to
