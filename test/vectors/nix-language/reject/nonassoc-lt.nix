a: a < a < a
