insert into identity.factors (id, user_id, kind, name, secret_sealed, created_at, enrolled_in)
values (:id, :user, :kind, :name, :sealed, :at, :enrolled_in)
