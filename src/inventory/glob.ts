/** Whether the text means more than itself: `*` stands for any characters, `?` for exactly one. */
export function isGlob(pattern: string): boolean {
  return /[*?]/.test(pattern);
}

/**
 * Matches the whole text. Goes back to the last star only, which is enough for globs and keeps the work within
 * pattern × text: a regular expression made of many stars would take exponential time.
 */
export function globMatches(pattern: string, text: string): boolean {
  let p = 0;
  let t = 0;
  let star = -1;
  let resume = 0;
  while (t < text.length) {
    if (pattern[p] === "*") [star, resume] = [p++, t];
    else if (p < pattern.length && (pattern[p] === "?" || pattern[p] === text[t])) [p, t] = [p + 1, t + 1];
    else if (star !== -1) [p, t] = [star + 1, ++resume];
    else return false;
  }
  while (pattern[p] === "*") p++;
  return p === pattern.length;
}
