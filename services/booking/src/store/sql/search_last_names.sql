-- By the beginning of the last word of a name, whose whole does not begin so.
select c.last_name_key as search_key, {customer_columns}
from customers c
where c.tenant_id = :tenant
  and c.archived = :archived
  and (c.last_name_key, c.id) > (case when :after_key is null then frontdesk_text_key(:search) else :after_key end, :after_id)
  and c.last_name_key < frontdesk_text_key(:search) || :top
  and not (c.name_key >= frontdesk_text_key(:search) and c.name_key < frontdesk_text_key(:search) || :top)
order by c.last_name_key, c.id
limit :most
