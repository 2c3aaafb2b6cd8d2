-- A stay has at most 366 nights. The API has refused longer ones from the first day;
-- this refuses them from other programs too.
--
-- Rows that are there are not looked at yet, so that the tables are locked for a
-- moment only; V7 looks at them while everybody goes on reading and writing.
-- `check_in + 366` rather than `check_out - check_in`: a difference of dates fails
-- for infinite ones.
--
-- Inventory ranges are left as they are: a property may be closed for years by
-- another program, and what looks for shared nights finds ranges of any length.
--
-- A database whose requests are rows of `bookings` is written by another program,
-- which decides what its rows may hold: it gets no rule.

do $$
begin
    if to_regclass('public.booking_requests') is null then
        return;
    end if;
    alter table bookings
        add constraint bookings_nights_check check (check_out <= check_in + 366) not valid;
    alter table booking_requests
        add constraint booking_requests_nights_check check (check_out <= check_in + 366) not valid;
end
$$;
