x: { inherit (x) ${x.y}; }
