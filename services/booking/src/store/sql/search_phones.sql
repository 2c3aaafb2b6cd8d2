-- By the beginning of a phone number.
select c.phone_key as search_key, {customer_columns}
from customers c
where c.tenant_id = :tenant
  and c.archived = :archived
  and (c.phone_key, c.id) > (case when :after_key is null then frontdesk_phone_key(:search) else :after_key end, :after_id)
  and c.phone_key < frontdesk_phone_key(:search) || :top
order by c.phone_key, c.id
limit :most
