select {block_columns}
from inventory_ranges
where tenant_id = :tenant
  and property_id = :property
  and id = :id
  and kind::text = {range.block}
for update
