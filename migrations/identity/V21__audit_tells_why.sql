-- Why something was done, where whoever does it has to say so. The code of before stores none.
-- A constant as default rewrites no row.
alter table identity.audit_events
    add column reason text not null default '';
