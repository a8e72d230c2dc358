f: x: f x [ (f x) ] { } rec { } "s" 1 1.5 ./p <n> ''i'' (let { body = 1; })
