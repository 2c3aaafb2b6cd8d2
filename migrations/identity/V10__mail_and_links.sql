-- Mail that is to be sent, and the links in it. Suits the code before it, which knows neither.

-- A letter is written in the transaction of the change that it tells of, and deleted when a
-- server has taken it. What it says is sealed like signing keys, because a link in it is as
-- good as a password. Who sends it pushes `due_at` on first, so that no transaction is open
-- while a mail server is talked to, and another process does not send it as well. A letter
-- that cannot be delivered stays, with `dead_at`, until somebody looks or it is old.
create table identity.outbox (
    id uuid not null,
    kind text not null,
    recipient text not null,
    sealed bytea not null,
    created_at timestamptz not null,
    due_at timestamptz not null,
    attempts integer not null default 0,
    failure text not null default '',
    dead_at timestamptz,
    constraint outbox_pkey primary key (id),
    constraint outbox_recipient_check check (recipient <> '')
);
create index outbox_due_idx on identity.outbox (due_at, id) where dead_at is null;
create index outbox_dead_idx on identity.outbox (dead_at, id) where dead_at is not null;

-- Tokens of links that work once. Only SHA-256 is stored: 256 random bits need no slow hash.
-- One without a user was never sent: whoever asks for a link causes the same work whether
-- the address is somebody's.
create table identity.one_time_tokens (
    secret_hash bytea not null,
    purpose text not null,
    user_id uuid,
    email text not null,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    used_at timestamptz,
    constraint one_time_tokens_pkey primary key (secret_hash),
    constraint one_time_tokens_user_fkey foreign key (user_id) references identity.users (id) on delete cascade,
    constraint one_time_tokens_secret_hash_check check (octet_length(secret_hash) = 32)
);
create index one_time_tokens_user_idx on identity.one_time_tokens (user_id, purpose);
create index one_time_tokens_expiry_idx on identity.one_time_tokens (expires_at);

grant select, insert, update, delete on identity.outbox, identity.one_time_tokens to frontdesk_identity;
