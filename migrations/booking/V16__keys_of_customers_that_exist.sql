-- The keys of customers that exist, where they are others now. Readers and writers go
-- on meanwhile, but for writers of the few rows that change. All rows are read once,
-- under a minute for a million.

-- The trigger does it.
update customers
set name = name
where name_key is distinct from left(public.frontdesk_text_key(coalesce(name, '')), 400)
   or email_key is distinct from nullif(left(public.frontdesk_text_key(coalesce(email, '')), 400), '');

drop policy migration_fills_keys on customers;

-- What V10 says of its lock is not so: it looks at every row for the check of merged
-- customers while it has the table to itself. Where V10 is still to come and there are
-- millions of customers, let nobody write and read them for those seconds.
