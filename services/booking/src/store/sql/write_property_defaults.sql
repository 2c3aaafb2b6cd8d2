update properties r
set
    hold_policy = case
        when r.hold_policy::text in ({hold_policies}) then r.hold_policy
        else {hold_policy.none}
    end,
    hold_hours = case
        when r.hold_hours between 1 and {most_hold_hours} then r.hold_hours
        else {hold_hours}
    end,
    row_version = {next_version.r},
    created_at = case when {nameable.created_at} then r.created_at else :at end,
    updated_at = :at
where r.tenant_id = :tenant
  and r.id = :id
