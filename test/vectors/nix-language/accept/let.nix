let a = 1; b.c = a; b.d = 2; in let in a + b.c
