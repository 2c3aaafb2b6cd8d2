-- Wrong codes of a second factor since the last right one; the code before this counts none
-- and goes on. A constant as default rewrites no row.
alter table identity.factors add column wrong_codes integer not null default 0;

-- Factors that were never verified are forgotten, oldest first.
create index factors_unverified_idx on identity.factors (created_at) where verified_at is null;

-- Verifiers know whether a user has a verified factor, and nothing else of it: only that is
-- marked. Before, every right code was, and every factor that nobody had verified yet; what
-- is written with it is not known to a trigger of columns.
drop trigger factors_mark on identity.factors;
create trigger factors_mark_made
    after insert on identity.factors
    for each row when (new.verified_at is not null)
    execute function identity.mark_revoked('user', 'user_id');
create trigger factors_mark_changed
    after update of user_id, verified_at on identity.factors
    for each row when (
        old.verified_at is distinct from new.verified_at or old.user_id <> new.user_id
    )
    execute function identity.mark_revoked('user', 'user_id');
create trigger factors_mark_deleted
    after delete on identity.factors
    for each row when (old.verified_at is not null)
    execute function identity.mark_revoked('user', 'user_id');
