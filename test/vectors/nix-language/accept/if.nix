a: if a then 1 else if a == 2 then 3 else 4
