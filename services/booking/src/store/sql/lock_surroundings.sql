-- Locked against change, so that what is decided by it stays true until it is stored.
{surroundings.locked}
