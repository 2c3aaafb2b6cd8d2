-- The same requests as they are now, without locks: whoever asks holds the booking, and must
-- not wait for whoever holds one of them and waits for it.
{booking_group}
