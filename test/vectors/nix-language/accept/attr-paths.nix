{ a.b.c = 1; a.b.d = 2; "a b".c = 3; ${"x"}.y = 4; or = 5; a.or = 6; }
