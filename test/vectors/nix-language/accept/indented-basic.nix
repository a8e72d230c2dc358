''
    one
      two

    three ${"x"}
  ''
