[ (let { body = 1; }) (let { a = 1; body = a; ${"c"} = 2; }.body) ]
