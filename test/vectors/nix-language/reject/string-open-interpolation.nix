"a${b} c
