x: y:  [ ] ++ [ 1 (-1) x.y (x y) [ [ ] ] x.a or 2 ]
