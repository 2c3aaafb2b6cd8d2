-- Passkeys of users: factors of which nothing secret is known. Suits the code before this,
-- which makes none: replace every identity, then set PASSKEY_ORIGINS. To that code a passkey is a
-- factor of a kind that it does not know, which counts and cannot be proved there.

alter table identity.factors alter column secret_sealed drop not null;
alter table identity.factors add constraint factors_secret_check check (
    case kind when 'passkey' then secret_sealed is null when 'totp' then secret_sealed is not null else true end
);

-- The session that has enrolled a factor: a passkey is made in that one alone, since nothing of
-- it is known before. It may be forgotten before its factor, and the code before this writes none.
alter table identity.factors add column enrolled_in uuid;
-- So that a passkey is of its factor's user.
alter table identity.factors add constraint factors_id_user_key unique (id, user_id);

-- `credential` is the id that browsers know, `public_key` is in COSE (RFC 9052), `sign_count` is
-- what the authenticator said last of how often it was used, and `asked_at` is when the challenge
-- that it answered last was made: it only grows, so each is answered once. It signs in alone since
-- `alone_from`; of one that counts beside the password only, that is null. What no code could read
-- is refused.
create table identity.passkeys (
    factor_id uuid not null,
    user_id uuid not null,
    credential bytea not null,
    public_key bytea not null,
    sign_count bigint not null,
    backup_eligible boolean not null,
    backed_up boolean not null,
    transports text[] not null,
    asked_at timestamptz not null,
    alone_from timestamptz,
    constraint passkeys_pkey primary key (factor_id),
    constraint passkeys_factor_fkey foreign key (factor_id, user_id)
        references identity.factors (id, user_id) on delete cascade,
    constraint passkeys_credential_key unique (credential),
    constraint passkeys_credential_check check (octet_length(credential) between 1 and 1023),
    constraint passkeys_public_key_check check (octet_length(public_key) between 1 and 1200),
    constraint passkeys_sign_count_check check (sign_count between 0 and 4294967295),
    constraint passkeys_transports_check check (array_position(transports, null) is null),
    constraint passkeys_times_check check (isfinite(asked_at) and isfinite(alone_from))
);
create index passkeys_user_idx on identity.passkeys (user_id);

-- A passkey goes with its factor.
grant select, insert, update on identity.passkeys to frontdesk_identity;
