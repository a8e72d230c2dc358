x: { inherit x.y; }
