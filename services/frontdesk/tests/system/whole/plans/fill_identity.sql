-- 5,000 people, 100 of whom are members of the tenant, with 10,000 sessions, of which
-- two a person are open; 20,000 audit events, half of the tenant and a tenth of none; 1,000
-- tenants; four links, two apps, two passkeys and ten recovery codes to each person.
insert into identity.tenants (id, slug, name, created_at)
select md5('tenant' || n)::uuid, 'tenant-' || n, 'Tenant ' || n, now() from generate_series(1, 1000) n;
insert into identity.tenants (id, slug, name, created_at)
values ('{tenant}', 'demo', 'Demo', now());
insert into identity.users (id, email, display_name, kind, created_at)
select md5('user' || n)::uuid, 'user' || n || '@frontdesk.example', 'User ' || n, 'person', now()
from generate_series(1, 5000) n;
insert into identity.memberships (tenant_id, user_id, role, created_at)
select case when n <= 100 then '{tenant}' else md5('tenant' || (1 + n % 1000))::uuid end, md5('user' || n)::uuid, 'agent', now()
from generate_series(1, 5000) n;
insert into identity.tenant_api_keys (tenant_id, id, name, secret_hash, created_at)
select md5('tenant' || (1 + n % 1000))::uuid, md5('key' || n)::uuid, 'Key', sha256('key'), now()
from generate_series(1, 2000) n;
insert into identity.sessions (
    id, user_id, created_at, rotated_at, idle_expires_at, expires_at, ended_at, ended_because
)
select
    md5('session' || n)::uuid, md5('user' || (1 + n % 5000))::uuid, now(), now(), now() + interval '7 days',
    now() + interval '30 days', case when n % 4 < 2 then now() end, case when n % 4 < 2 then 'logout' end
from generate_series(1, 20000) n;
insert into identity.audit_events (id, at, action, outcome, tenant_id, user_id)
select
    md5('event' || n)::uuid, now() - n * interval '1 minute', 'login', 'success',
    case when n % 2 = 0 then uuid '{tenant}' when n % 10 = 1 then null else md5('tenant' || (1 + n % 1000))::uuid end,
    md5('user' || (1 + n % 5000))::uuid
from generate_series(1, 20000) n;
insert into identity.login_failures (bucket, failures, window_ends_at)
select sha256(('bucket' || n)::bytea), 1, now() + n * interval '1 second' from generate_series(1, 5000) n;
insert into identity.known_pairs (bucket, seen_at)
select sha256(('bucket' || n)::bytea), now() - n * interval '1 minute' from generate_series(1, 5000) n;
insert into identity.roles (tenant_id, name, scopes, created_at)
select md5('tenant' || n)::uuid, 'night-desk', array['bookings:view'], now() from generate_series(1, 1000) n;
insert into identity.user_links (issuer, subject, user_id, created_at)
select 'https://id.example.com', 'subject' || n, md5('user' || (1 + n % 5000))::uuid, now() from generate_series(1, 20000) n;
insert into identity.factors (id, user_id, kind, name, secret_sealed, created_at, verified_at)
select md5('factor' || n)::uuid, md5('user' || (1 + n % 5000))::uuid, 'totp', 'phone ' || n, 'sealed', now(), now()
from generate_series(1, 10000) n;
insert into identity.factors (id, user_id, kind, name, created_at, verified_at)
select md5('passkey' || n)::uuid, md5('user' || (1 + n % 5000))::uuid, 'passkey', 'laptop ' || n, now(), now()
from generate_series(1, 10000) n;
insert into identity.passkeys (factor_id, user_id, credential, public_key, sign_count, backup_eligible, backed_up, transports, asked_at, alone_from)
select md5('passkey' || n)::uuid, md5('user' || (1 + n % 5000))::uuid, sha256(('passkey' || n)::bytea), 'key', 0, true, true, array['internal'], now(), now()
from generate_series(1, 10000) n;
insert into identity.recovery_codes (user_id, code_hash, created_at)
select md5('user' || (1 + n % 5000))::uuid, sha256(('code' || n)::bytea), now() from generate_series(1, 50000) n;
insert into identity.outbox (id, kind, recipient, sealed, created_at, due_at, dead_at)
select md5('mail' || n)::uuid, 'recover', 'x' || n || '@x.example', 'x', now(), now() + n * interval '1 second', case when n % 2 = 0 then now() end
from generate_series(1, 5000) n;
insert into identity.one_time_tokens (secret_hash, purpose, user_id, email, created_at, expires_at)
select sha256(('token' || n)::bytea), 'recover', md5('user' || (1 + n % 5000))::uuid, 'x' || n || '@x.example', now(), now() + n * interval '1 second'
from generate_series(1, 10000) n;
insert into identity.invitations (tenant_id, id, email, role, secret_hash, proves_address, invited_by, created_at, expires_at, state, decided_at)
select
    case when n <= 50 then '{tenant}' else md5('tenant' || (1 + n % 1000))::uuid end, md5('invitation' || n)::uuid,
    'invited' || n || '@x.example', 'viewer', sha256(('invitation' || n)::bytea), true, md5('user' || (1 + n % 5000))::uuid, now(),
    now() + interval '7 days', case when n % 2 = 0 then 'open' else 'accepted' end, case when n % 2 = 1 then now() end
from generate_series(1, 5000) n;
