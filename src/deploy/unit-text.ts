/** systemd's unit files, as far as switch-to-configuration reads them (systemd.syntax(7)). */

/** Section, key, values in order. `[Install]` is left out: it says nothing of what runs. */
export type UnitInfo = ReadonlyMap<string, ReadonlyMap<string, readonly string[]>>;

/** The unit's file, then its drop-ins in order: an empty value takes back what was set before (systemd.syntax(7)). */
export function parseUnit(texts: readonly string[]): UnitInfo {
  const sections = new Map<string, Map<string, string[]>>();
  for (const text of texts) {
    let section: Map<string, string[]> | null = null;
    for (const line of joined(text)) {
      const header = /^\[([^\]]+)\]$/.exec(line)?.[1];
      if (header !== undefined) {
        section = header === "Install" ? null : (sections.get(header) ?? new Map<string, string[]>());
        if (section !== null) sections.set(header, section);
        continue;
      }
      const at = line.indexOf("=");
      if (section === null || at <= 0) continue;
      const [key, value] = [line.slice(0, at).trim(), line.slice(at + 1).trim()];
      const before = section.get(key) ?? [];
      section.set(key, value === "" ? [] : [...before, value]);
    }
  }
  return sections;
}

/** Lines without comments, those that end with a backslash together with what follows. */
function joined(text: string): string[] {
  const lines: string[] = [];
  let open = "";
  for (const raw of text.split("\n")) {
    const line = raw.trim();
    if (/^[#;]/.test(line)) continue;
    if (line.endsWith("\\")) {
      open += `${line.slice(0, -1)} `;
      continue;
    }
    const whole = open + line;
    open = "";
    if (whole !== "") lines.push(whole);
  }
  return open === "" ? lines : [...lines, open.trim()];
}

export function valuesOf(info: UnitInfo, section: string, key: string): readonly string[] {
  return info.get(section)?.get(key) ?? [];
}

/** The last value counts. */
export function flagOf(info: UnitInfo, section: string, key: string, otherwise: boolean): boolean {
  const last = valuesOf(info, section, key).at(-1);
  return last === undefined ? otherwise : ["1", "yes", "true", "on"].includes(last);
}

/** Names in a setting that lists units, `Wants=` say. */
export function namesOf(info: UnitInfo, section: string, key: string): string[] {
  return valuesOf(info, section, key).flatMap((value) => value.split(/\s+/).filter((name) => name !== ""));
}
