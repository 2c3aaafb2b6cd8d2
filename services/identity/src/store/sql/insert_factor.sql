insert into identity.factors (id, user_id, kind, name, secret_sealed, created_at)
values (:id, :user, :kind, :name, :sealed, :at)
