-- By the beginning of an e-mail address.
select c.email_key as search_key, {customer_columns}
from customers c
where c.tenant_id = :tenant
  and c.archived = :archived
  and (c.email_key, c.id) > (case when :after_key is null then frontdesk_text_key(:search) else :after_key end, :after_id)
  and c.email_key < frontdesk_text_key(:search) || :top
order by c.email_key, c.id
limit :most
