-- What the transaction under way has marked so far: only its own marks have no position yet,
-- which they get at the commit. Where it has marked nothing, which a trigger notes, nothing is
-- looked for. With one more than a thousand nobody looks which ones they are.
select m.kind, m.subject
from identity.revocation_marks m
where m.position is null
  and current_setting('app.marked', true) = 'yes'
limit 1001
