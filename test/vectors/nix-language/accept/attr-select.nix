x: [ x.a x.a.b x."a b" x.${"a"} x."${x.c}" (x.a or 1) (x.a.b or x.c or 2) x.or (x.or or 1) ]
