-- Inventory ranges of bookings, and whether what each belongs to stands.
{range_facts}
