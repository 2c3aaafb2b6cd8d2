-- What is left of people where nobody looks for them: letters and invitations are found by the
-- address that they go to, and sessions by their user, when that user is deleted. A letter says
-- until when the link in it works. Suits the code before this, which fills none of it.

-- First, because changes come to sessions before they come to letters. It is built while the
-- table can be read but not written, about a second for a million rows;
-- where that is too long, create it beforehand under this name with
-- `create index concurrently`.
do $$
begin
    -- What a build that failed has left under the name would be taken for the index.
    if exists (
        select
        from pg_index i
        where i.indexrelid = to_regclass('identity.sessions_of_user_idx')
          and not i.indisvalid
    ) then
        drop index identity.sessions_of_user_idx;
    end if;
end
$$;
create index if not exists sessions_of_user_idx on identity.sessions (user_id);

-- Empty for letters without a link, and for those from before.
alter table identity.outbox add column expires_at timestamptz;
create index outbox_recipient_idx on identity.outbox (recipient);
create index invitations_email_idx on identity.invitations (email) where state = 'open';
-- Decided ones keep no address; those from before this rule had theirs.
update identity.invitations set email = '' where state <> 'open' and email <> '';
