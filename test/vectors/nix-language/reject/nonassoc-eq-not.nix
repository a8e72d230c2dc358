a: a == !a == a
