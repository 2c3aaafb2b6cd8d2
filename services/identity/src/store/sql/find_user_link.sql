select user_id
from identity.user_links
where issuer = :issuer
  and subject = :subject
