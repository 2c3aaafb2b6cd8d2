-- Whom tokens of other issuers are about: a subject of an issuer is a user here only when
-- somebody has said so. That two ids are equal says nothing, since each issuer makes its
-- own.
create table identity.user_links (
    issuer text not null,
    subject text not null,
    user_id uuid not null,
    created_at timestamptz not null,
    constraint user_links_pkey primary key (issuer, subject),
    constraint user_links_user_fkey foreign key (user_id) references identity.users (id) on delete cascade,
    constraint user_links_subject_check check (issuer <> '' and subject <> '')
);
create index user_links_user_idx on identity.user_links (user_id);

create trigger user_links_mark
    after update or delete on identity.user_links
    for each row execute function identity.mark_revoked('user', 'user_id');

grant select, insert, delete on identity.user_links to frontdesk_identity;
