{
  /** Adds. */
  add = a: /** b */ b: a + b;
}
