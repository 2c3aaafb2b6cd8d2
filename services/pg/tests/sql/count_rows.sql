select count(*) as n from t
