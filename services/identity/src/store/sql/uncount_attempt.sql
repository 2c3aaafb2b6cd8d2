-- One that was counted before it was looked at was right. Locked in the order in which they are
-- counted.
with tried as (
    select bucket
    from identity.login_failures
    where bucket = any (:buckets)
    order by bucket
    for update
)
update identity.login_failures f
set failures = greatest(f.failures - 1, 0)
from tried
where f.bucket = tried.bucket
