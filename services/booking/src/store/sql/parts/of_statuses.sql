and {effective} = any (:statuses) -- if :statuses
              and {is_unknown} and :unknown -- if :unknown
