-- The same, no longer noted. A row that is written again is noted again.
delete from inconsistency_suspects s
where s.tenant_id = :tenant
  and s.id in (
      select t.id
      from inconsistency_suspects t
      where t.tenant_id = :tenant
      limit :most
      for update skip locked
  )
returning s.written_row
