-- Every column that there is, which is what goes stale.
select t.* from t
