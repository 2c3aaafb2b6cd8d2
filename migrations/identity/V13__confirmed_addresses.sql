-- Since when it is known that whoever has the account reads the mail of its address: by a link
-- that was sent there. Nothing is known of accounts from before, and of those that somebody
-- else made. Suits the code before it, which knows of no such thing.
alter table identity.users add column email_confirmed_at timestamptz;
