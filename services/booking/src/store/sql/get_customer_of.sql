{customer_of}
