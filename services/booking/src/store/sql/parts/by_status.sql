and {effective} = asked.status -- if :statuses
          and {is_unknown} and :unknown -- if :unknown
