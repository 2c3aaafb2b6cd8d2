-- An event of a tenant, or of none. What users do with accounts of their own belongs to
-- the tenant that their calls are for without naming one: the only one of which they are
-- members, as long as there is one. For an operator of the platform none is inferred. What is
-- done to a user is told to each of the user's tenants as well, in rows whose ids have the same
-- time; what stands beside the subject, to none of them.
insert into identity.audit_events (
    id, at, action, outcome, tenant_id, user_id, session_id, api_key_id, issuer, method, subject, address,
    request_id, times, reason, acting_client_id
)
select
    place.id, :at, :action, :outcome, place.tenant_id, :user, :session, :api_key, :issuer, :method,
    :subject || case when place.tenant_id is null then :beside else '' end,
    :address, :request_id, :times, :reason, :acting_client
from (
    select :id as id, :tenant as tenant_id
    where :own is null -- if :own
    union all -- if :own
    select :id, case when count(*) = 1 then (array_agg(m.tenant_id))[1] end -- if :own
    from identity.memberships m -- if :own
    where m.user_id = :own -- if :own
      and not exists ( -- if :own
          select from identity.users u -- if :own
          where u.id = :own and 'platform:operate' = any (u.platform_scopes) -- if :own
      ) -- if :own
    union all -- if :subject_user
    select (left(:id::text, 18) || right(gen_random_uuid()::text, 18))::uuid, m.tenant_id -- if :subject_user
    from identity.memberships m -- if :subject_user
    where m.user_id = :subject_user -- if :subject_user
) place
