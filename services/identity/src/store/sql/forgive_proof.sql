-- Locked in the order in which they are counted.
with tried as (
    select bucket
    from identity.login_failures
    where bucket in (:session, :user)
    order by bucket
    for update
)
update identity.login_failures f
set failures = case when f.bucket = :session then 0 else greatest(f.failures - 1, 0) end
from tried
where f.bucket = tried.bucket
