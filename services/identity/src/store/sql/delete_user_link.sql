delete from identity.user_links
where issuer = :issuer
  and subject = :subject
returning user_id
