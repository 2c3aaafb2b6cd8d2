-- Second factors of users, recovery codes for them, and what was proved in a session.
-- Suits the code before this: sessions that it makes began with a password, and what it
-- does not write may stay empty.

-- A factor counts from `verified_at` on. Of TOTP, `secret_sealed` is sealed under a key
-- that is not in here, and `last_step` is the time of the last code that was accepted, in
-- steps of 30 s: it only grows, so a code is accepted once.
create table identity.factors (
    id uuid not null,
    user_id uuid not null,
    kind text not null,
    name text not null,
    secret_sealed bytea not null,
    last_step bigint not null default -1,
    created_at timestamptz not null,
    verified_at timestamptz,
    last_used_at timestamptz,
    constraint factors_pkey primary key (id),
    constraint factors_user_fkey foreign key (user_id) references identity.users (id) on delete cascade
);
create index factors_user_idx on identity.factors (user_id, created_at, id);
create unique index factors_name_idx on identity.factors (user_id, name) where name <> '';

-- Whether a user has a factor is a part of what verifiers know of callers.
create trigger factors_mark
    after insert or update of user_id, verified_at or delete on identity.factors
    for each row execute function identity.mark_revoked('user', 'user_id');

-- Only SHA-256 of a code is stored: 80 random bits need no slow hash. A code that was used
-- is deleted.
create table identity.recovery_codes (
    user_id uuid not null,
    code_hash bytea not null,
    created_at timestamptz not null,
    constraint recovery_codes_pkey primary key (user_id, code_hash),
    constraint recovery_codes_user_fkey foreign key (user_id) references identity.users (id) on delete cascade,
    constraint recovery_codes_code_hash_check check (octet_length(code_hash) = 32)
);

-- How a session began; when that was proved again, if it was; and the second factor that
-- was proved in it last.
alter table identity.sessions
    add column method text not null default 'password',
    add column proved_at timestamptz,
    add column second_method text,
    add column second_at timestamptz;
alter table identity.sessions drop constraint sessions_ended_because_check;
alter table identity.sessions add constraint sessions_ended_because_check check (
    ended_because in (
        'logout', 'refresh_token_reused', 'revoked', 'password_changed', 'user_disabled', 'factors_changed'
    )
) not valid;
alter table identity.sessions validate constraint sessions_ended_because_check;

grant select, insert, update, delete on identity.factors to frontdesk_identity;
grant select, insert, delete on identity.recovery_codes to frontdesk_identity;
