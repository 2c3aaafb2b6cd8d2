insert into identity.passkeys (
    factor_id, user_id, credential, public_key, sign_count, backup_eligible, backed_up, transports, asked_at
)
values (
    :factor, :user, :credential, :public_key, :sign_count, :backup_eligible, :backed_up, :transports, :asked_at
)
on conflict on constraint passkeys_credential_key do nothing
returning factor_id
