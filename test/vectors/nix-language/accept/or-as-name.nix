f: with { }; [ (f or) (f or 1) (f.a or f or) f or f ]
