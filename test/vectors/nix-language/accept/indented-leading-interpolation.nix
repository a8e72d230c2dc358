x: ''${x}
    a
  b''
