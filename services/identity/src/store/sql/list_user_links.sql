select issuer, subject, created_at
from identity.user_links
where user_id = :user
order by issuer, subject
