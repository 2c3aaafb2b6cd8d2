select tenant from t
