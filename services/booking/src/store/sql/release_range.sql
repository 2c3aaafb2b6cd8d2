{free_ranges}
      and i.id = :id
