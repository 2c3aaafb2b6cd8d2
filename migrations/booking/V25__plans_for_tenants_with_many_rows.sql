-- Plans are made for any tenant and kept. By the statistics such a tenant has the rows
-- of the table divided by the number of tenants: a handful, where a thousand have few
-- and one has most. What is made for a handful takes an index by the tenant alone, or
-- sorts all that the tenant has, and the one waits. What is made for many is as good for
-- a few. So the number of tenants is said to be ten, whatever it is: each is planned for
-- as if it had a tenth of the table.
--
-- It holds from the next analyze on, which is done here: neither keeps anybody from
-- reading or writing.
do $$
declare
    of_table text;
begin
    foreach of_table in array array[
        'booking_events', 'booking_requests', 'bookings', 'customers', 'inventory_ranges', 'properties'
    ]
    loop
        -- A single table is both requests and bookings.
        if to_regclass('public.' || of_table) is not null then
            execute format('alter table %I alter column tenant_id set (n_distinct = 10)', of_table);
            execute format('analyze %I', of_table);
        end if;
    end loop;
end
$$;
