-- What other programs have written and nobody has judged since.
select s.written_row
from inconsistency_suspects s
where s.tenant_id = :tenant
limit :most
