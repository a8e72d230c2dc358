/** Unit files of systemd (systemd.syntax(7)). */

type Setting = string | number | boolean | readonly string[];

/** Sections with their settings; a list is one line each. */
export type UnitFile = Readonly<Record<string, Readonly<Record<string, Setting>>>>;

export function formatUnit(unit: UnitFile): string {
  return Object.entries(unit)
    .map(([section, settings]) => `[${section}]\n${Object.entries(settings).flatMap(linesOf).join("")}`)
    .join("\n");
}

function linesOf([name, value]: readonly [string, Setting]): string[] {
  const values = typeof value === "object" ? value : [String(value)];
  return values.map((one) => `${name}=${one}\n`);
}
