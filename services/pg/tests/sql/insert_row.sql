insert into t values (:id, current_setting('app.tenant', true))
