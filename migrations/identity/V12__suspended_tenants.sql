-- Tenants that are suspended: nobody works in one, and its keys do not work, until it is
-- resumed. The trigger `tenants_mark` marks either. The version before this does not look.
alter table identity.tenants add column suspended_at timestamptz;
