-- In order, so that two failures never wait for each other.
insert into identity.login_failures (bucket, failures, window_ends_at)
select bucket, 1, :window_ends_at
from unnest(:buckets) as failed (bucket)
order by bucket
on conflict (bucket) do update
set
    failures = case
        when login_failures.window_ends_at > :now then login_failures.failures + 1
        else 1
    end,
    window_ends_at = case
        when login_failures.window_ends_at > :now then login_failures.window_ends_at
        else excluded.window_ends_at
    end
returning bucket, failures, window_ends_at
