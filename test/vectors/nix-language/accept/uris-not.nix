[ (a_b:a_b) (_a:_a) (x-y_1:x-y_1) ]
