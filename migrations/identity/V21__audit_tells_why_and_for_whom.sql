-- Why something was done, where whoever does it has to say so, and the client, which is an API
-- key, that did it for the user. The code of before stores neither. A constant as default
-- rewrites no row.
alter table identity.audit_events
    add column reason text not null default '',
    add column acting_client_id uuid;
