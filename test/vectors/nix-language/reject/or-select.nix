a: a or.b
