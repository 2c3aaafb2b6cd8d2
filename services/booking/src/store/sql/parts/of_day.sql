from {requests} r
            where r.tenant_id = :tenant
              {by_status}
              and {live}
              and r.check_in = day.check_in
              {after_creation}
              {stay_filters}
