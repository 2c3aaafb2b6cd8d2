-- Locked before anybody counts: of two owners who go at once the second sees that the first
-- has gone. All owners, also those who cannot sign in.
select m.tenant_id, m.user_id
from identity.memberships mine
join identity.memberships m on m.tenant_id = mine.tenant_id and m.role = :owner
where mine.user_id = :user
  and mine.role = :owner
order by m.tenant_id, m.user_id
for update of m
