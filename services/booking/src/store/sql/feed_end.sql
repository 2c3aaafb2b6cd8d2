select pg_snapshot_xmin(pg_current_snapshot())::text as tx
where $1::uuid is not null
