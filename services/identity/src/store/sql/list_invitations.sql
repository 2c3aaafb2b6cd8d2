select {invitation}
from identity.invitations i
where i.tenant_id = :tenant
  and i.state = {invitation.open}
  and i.expires_at > :now
order by i.created_at desc, i.id desc
limit 1000
