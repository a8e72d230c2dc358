rec x: x
