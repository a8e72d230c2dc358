{ iff = 1; ifx = 2; in-x = 3; let' = 4; recursive = 5; inherits = 6; thenn = 7; assert_ = 8; orr = 9; withx = 10; else' = 11; }
