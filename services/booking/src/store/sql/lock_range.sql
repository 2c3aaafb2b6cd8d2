-- The same for one, locked.
{range_facts}
for update of i
