x: with { }; let inherit (x) a "b c" or; inherit; in { inherit a; inherit (x) ; inherit "x" ${"y"}; inherit (x.y) z; }
