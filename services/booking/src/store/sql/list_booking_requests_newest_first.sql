  and (created_at, id) < ($9::timestamptz, $10::uuid)
order by created_at desc, id desc
limit $11
