-- The keys of customers that exist, and the indexes of searches and of external ids.
-- Readers go on meanwhile, and so does whoever makes or decides a booking request: the
-- rows' own keys do not change. Writers of customers wait, half a minute for a million
-- rows; the code before this migration writes none. Writers of bookings wait while one
-- index is made, for which the table is read once (under a second for a million rows):
-- inside a transaction it cannot be made beside them.

-- The trigger does it.
update customers set name = name where name_key is null;

create index customers_by_name_idx on customers (tenant_id, archived, name, id);
create index customers_name_key_idx on customers (tenant_id, archived, name_key, id);
create index customers_last_name_key_idx on customers (tenant_id, archived, last_name_key, id)
where last_name_key is not null;
create index customers_email_key_idx on customers (tenant_id, archived, email_key, id)
where email_key is not null;
create index customers_phone_key_idx on customers (tenant_id, archived, phone_key, id)
where phone_key is not null;
-- An id of another system names one record of ours.
create unique index customers_external_id_key on customers (tenant_id, source, external_id)
where external_id is not null;
-- `customers_name_idx` stays for the code before, which lists by it.

create unique index bookings_external_id_key on bookings (tenant_id, source, external_id)
where external_id is not null;

drop policy migration_fills_keys on customers;
