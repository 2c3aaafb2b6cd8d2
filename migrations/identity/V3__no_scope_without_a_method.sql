-- `customers:view` was granted and asked for by no method: reading customers needs
-- `conversations:view`. It leaves roles and keys, or nobody could change a role
-- that has it any more: nobody takes what they do not hold. A role with nothing
-- else stays, without scopes, which is what it granted; new ones need a scope.
-- Suits the code before it, which never asks for the scope.

alter table identity.roles drop constraint roles_scopes_check;
update identity.roles set scopes = array_remove(scopes, 'customers:view')
where 'customers:view' = any (scopes);
update identity.tenant_api_keys set scopes = array_remove(scopes, 'customers:view')
where 'customers:view' = any (scopes);
