/** Pattern lists, ssh_config(5) "PATTERNS": `*` any characters, `?` one, `!` negates, commas between. */

const maximumPattern = 1022; // OpenSSH takes a longer one as matching nothing

/**
 * Whether some pattern matches and no negated one does. Case counts. A text that only negated patterns speak of
 * does not match.
 */
export function matchesPatternList(text: string, list: string): boolean {
  const subject = octets(text);
  let matched = false;
  for (const item of octets(list).split(",")) {
    const negated = item.startsWith("!");
    const pattern = negated ? item.slice(1) : item;
    // Stopping here, as OpenSSH does, is the safe side: the pattern may have been a negated one.
    if (pattern.length > maximumPattern) return false;
    if (!matchesPattern(subject, pattern)) continue;
    if (negated) return false;
    matched = true;
  }
  return matched;
}

/** Anchored at both ends. Time is at most the product of the lengths; no backtracking into more than one star. */
function matchesPattern(text: string, pattern: string): boolean {
  let [t, p, star, resume] = [0, 0, -1, 0];
  while (t < text.length) {
    if (pattern[p] === "*") {
      star = p++;
      resume = t;
    } else if (p < pattern.length && (pattern[p] === "?" || pattern[p] === text[t])) {
      p++;
      t++;
    } else if (star !== -1) {
      p = star + 1;
      t = ++resume;
    } else {
      return false;
    }
  }
  while (pattern[p] === "*") p++;
  return p === pattern.length;
}

/** A character a byte: `?` stands for one byte in OpenSSH, whatever the encoding. */
function octets(text: string): string {
  return Buffer.from(text).toString("latin1");
}
