x: y: with x; let a = 1; in if a then b: b else c: c + 1
