f: g: x: f <| g <| x + 1
