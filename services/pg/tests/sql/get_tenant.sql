select current_setting('app.tenant', true) as tenant
