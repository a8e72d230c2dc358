a: a <= a >= a
