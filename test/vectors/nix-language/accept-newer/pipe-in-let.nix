let x = 1 |> toString; y = if x |> f then 1 else 2 |> g; in [ (x |> f) ]
