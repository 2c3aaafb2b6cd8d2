-- The master keys that a database knows: a name and the code of a constant under each, so
-- that whoever is about to write something under a key can tell first whether what is
-- there was made with it. Neither says anything of the key. Versions before this do not
-- look; what they make under the one key that they have is what this says.

create table identity.master_keys (
    id text not null,
    code bytea not null,
    -- The last one that became the key that seals is the one that seals.
    rotated_at timestamptz not null,
    -- The one from before there were any others, of which there is one at most: replicas
    -- that start together agree on it.
    original boolean not null default false,
    -- When a process last said that it makes codes with it.
    used_at timestamptz,
    -- Since when it is in no list any more.
    dropped_at timestamptz,
    constraint master_keys_pkey primary key (id),
    constraint master_keys_code_check check (octet_length(code) = 16)
);
create unique index master_keys_one_original_idx on identity.master_keys (original) where original;

grant select, insert, update on identity.master_keys to frontdesk_identity;
