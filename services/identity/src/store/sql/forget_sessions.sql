select identity.forget_sessions(:before, :most) as forgotten
