-- The same for readers: nothing is locked.
{surroundings.as_they_are}
