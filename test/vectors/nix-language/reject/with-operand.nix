1 + with a; b
