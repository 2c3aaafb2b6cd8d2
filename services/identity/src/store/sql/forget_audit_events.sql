select identity.forget_audit_events(:before, :most) as forgotten
