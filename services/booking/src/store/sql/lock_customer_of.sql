{customer_of}
for no key update of c
