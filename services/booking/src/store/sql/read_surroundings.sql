-- What surrounds a request, as it is now; nothing is locked.
{surroundings.as_they_are}
