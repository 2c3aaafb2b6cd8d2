-- Users who are deleted: the row stays without anything that says who it was, because events
-- name it by its id. The version before this sees a user who is disabled.
alter table identity.users add column deleted_at timestamptz;
