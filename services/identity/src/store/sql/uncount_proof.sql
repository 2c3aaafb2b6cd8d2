-- One that was counted was no try after all. Locked in the order in which they are counted.
with tried as (
    select bucket
    from identity.login_failures
    where bucket in (:session, :user)
    order by bucket
    for update
)
update identity.login_failures f
set failures = greatest(f.failures - 1, 0)
from tried
where f.bucket = tried.bucket
