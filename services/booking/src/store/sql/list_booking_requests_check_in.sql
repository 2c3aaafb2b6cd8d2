  and (check_in, id) > ($9::date, $10::uuid)
order by check_in, id
limit $11
