-- By the beginning of the whole name. One lower bound, and not another for the first
-- page: the index would be read from the lower of the two. Nor `coalesce`, which
-- Postgres takes for something that can leak.
select c.name_key as search_key, {customer_columns}
from customers c
where c.tenant_id = :tenant
  and c.archived = :archived
  and (c.name_key, c.id) > (case when :after_key is null then frontdesk_text_key(:search) else :after_key end, :after_id)
  and c.name_key < frontdesk_text_key(:search) || :top
order by c.name_key, c.id
limit :most
