/** The base score of a CVSS 3.0 or 3.1 vector (specification, section 7.1). */

const weights: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  AV: { N: 0.85, A: 0.62, L: 0.55, P: 0.2 },
  AC: { L: 0.77, H: 0.44 },
  UI: { N: 0.85, R: 0.62 },
  C: { H: 0.56, L: 0.22, N: 0 },
  I: { H: 0.56, L: 0.22, N: 0 },
  A: { H: 0.56, L: 0.22, N: 0 },
};
const privileges: Readonly<Record<string, readonly [unchanged: number, changed: number]>> = {
  N: [0.85, 0.85],
  L: [0.62, 0.68],
  H: [0.27, 0.5],
};

/** Null for other versions and for anything that is not a whole base vector. */
export function baseScore(vector: string): number | null {
  const match = /^CVSS:3\.([01])((?:\/[A-Z]{1,3}:[A-Z]){8,40})$/.exec(vector);
  if (match === null) return null;
  const metrics = new Map(
    match[2]!
      .slice(1)
      .split("/")
      .map((part) => part.split(":") as [string, string]),
  );
  const weight = (name: string): number => weights[name]?.[metrics.get(name) ?? ""] ?? Number.NaN;
  const scope = metrics.get("S");
  if (scope !== "U" && scope !== "C") return null;
  const changed = scope === "C";
  const needed = privileges[metrics.get("PR") ?? ""]?.[changed ? 1 : 0] ?? Number.NaN;
  const impact = 1 - (1 - weight("C")) * (1 - weight("I")) * (1 - weight("A"));
  const impactScore = changed ? 7.52 * (impact - 0.029) - 3.25 * (impact - 0.02) ** 15 : 6.42 * impact;
  const exploitability = 8.22 * weight("AV") * weight("AC") * needed * weight("UI");
  const sum = (changed ? 1.08 : 1) * (impactScore + exploitability);
  if (Number.isNaN(sum)) return null;
  return impactScore <= 0 ? 0 : roundUp(Math.min(sum, 10), match[1] === "1");
}

/** 3.1 defines it on whole numbers, so that floating point cannot decide; 3.0 only says "up". */
function roundUp(value: number, exact: boolean): number {
  if (!exact) return Math.ceil(value * 10 - 1e-9) / 10;
  const whole = Math.round(value * 100_000);
  return whole % 10_000 === 0 ? whole / 100_000 : (Math.floor(whole / 10_000) + 1) / 10;
}
