''
	a
	  b
  	c
''
