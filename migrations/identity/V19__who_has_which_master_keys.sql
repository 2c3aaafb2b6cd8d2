-- The lists of master keys that processes have: a key may seal when every process opens what
-- it seals, and only they know whether they do. A row is a process; it says so each minute, and
-- takes the row away when it stops. Versions before this do not say it, so nobody waits for them.
create table identity.master_key_lists (
    process uuid not null,
    -- The names of the keys, the one that seals first.
    listed text[] not null,
    said_at timestamptz not null,
    constraint master_key_lists_pkey primary key (process)
);
grant select, insert, update, delete on identity.master_key_lists to frontdesk_identity;
