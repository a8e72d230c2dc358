[ http://example.org/a?b=c&d=%20e x:x a-b.c+d:e mailto:a@b.c x:1 (x : x) ]
