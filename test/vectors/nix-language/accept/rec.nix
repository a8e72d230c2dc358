rec { a = 1; b = rec { c = a; }; inherit ({ d = 1; }) d; }
