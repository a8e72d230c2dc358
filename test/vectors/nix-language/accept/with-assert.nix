x: with x; assert x.a; with x.b; assert a == b; c
