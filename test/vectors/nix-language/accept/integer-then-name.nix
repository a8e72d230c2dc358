f: f 1f 1.f
