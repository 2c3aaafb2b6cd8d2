with deleted as (
    delete from identity.factors
    where user_id = :user
    returning id
)
select count(*) as deleted from deleted
