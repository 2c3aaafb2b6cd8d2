-- What opaque marks are made with. It was derived from the master key until now; the first
-- process of this version stores that, so that versions beside each other make the same
-- marks, and a new master key makes no others. It says nothing of the master key, and marks
-- nothing but what they are about.
alter table identity.revocation_head add column marks_key bytea;
alter table identity.revocation_head add constraint revocation_head_marks_key_check
    check (octet_length(marks_key) = 32);
