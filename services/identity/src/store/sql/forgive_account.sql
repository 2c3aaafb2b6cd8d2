-- Locked in the order in which they are counted.
with tried as (
    select bucket
    from identity.login_failures
    where bucket = any (:buckets)
    order by bucket
    for update
)
delete from identity.login_failures f
using tried
where f.bucket = tried.bucket
