-- From where an API key is taken: networks as `10.0.0.0/8`; none means anywhere. Text, since
-- it is read by the services, and one that they cannot read opens nothing. The version before
-- this stores keys without it, and does not look at it: it must be stopped before the first
-- key with addresses is made. A constant as default rewrites no row.
alter table identity.tenant_api_keys
    add column allowed_addresses text[] not null default '{}';
