-- Counts and says how often it was, in one statement: many at once do not outrun a limit. In
-- order, so that two never wait for each other.
insert into identity.login_failures as counted (bucket, failures, window_ends_at)
select bucket, 1, :window_ends_at
from unnest(:buckets) as asked (bucket)
order by bucket
on conflict (bucket) do update
set
    failures = case when counted.window_ends_at > :now then counted.failures + 1 else 1 end,
    window_ends_at = case
        when counted.window_ends_at > :now then counted.window_ends_at
        else excluded.window_ends_at
    end
returning counted.bucket, counted.failures, counted.window_ends_at
