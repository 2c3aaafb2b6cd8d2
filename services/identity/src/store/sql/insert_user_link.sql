insert into identity.user_links (issuer, subject, user_id, created_at)
values (:issuer, :subject, :user, :at)
on conflict (issuer, subject) do nothing
returning user_id
