select
    bucket,
    failures,
    window_ends_at,
    exists (select from identity.known_pairs k where k.bucket = :pair) as known
from identity.login_failures
where bucket = any (:buckets)
  and window_ends_at > :now
