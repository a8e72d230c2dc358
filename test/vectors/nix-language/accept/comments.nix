# one
/* two */ /**/ /***/ /* * / ** // # */ [ # three
 1 /* four
 five */ 2 ]# six