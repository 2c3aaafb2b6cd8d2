select bucket, failures, window_ends_at, exists (select from identity.known_pairs k where k.bucket = $3) as known
from identity.login_failures
where bucket = any ($1)
  and window_ends_at > $2
