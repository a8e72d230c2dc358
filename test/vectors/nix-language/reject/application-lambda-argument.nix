f (x: x) y: y
