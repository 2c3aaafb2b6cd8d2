-- Of whom in a tenant two factors are asked. Suits the code before this: a constant as
-- default rewrites no row, and tenants that it makes ask nobody.
alter table identity.tenants
    add column second_factor text not null default 'optional',
    add constraint tenants_second_factor_check check (second_factor in ('optional', 'owners', 'all'));
