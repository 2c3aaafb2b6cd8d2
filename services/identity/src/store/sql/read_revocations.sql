select
    h.position as head,
    h.forgotten,
    extract(epoch from pg_postmaster_start_time())::text as epoch,
    m.position,
    m.kind,
    m.subject
from identity.revocation_head h
left join identity.revocation_marks m on m.position > :after
order by m.position
limit 10001
