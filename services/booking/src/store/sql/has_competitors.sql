-- Whether there are requests that `decline_competitors.sql` would decline.
select exists (
    select
    {competing}
) as found
