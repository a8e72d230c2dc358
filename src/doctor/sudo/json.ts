/** Rules as `cvtsudoers -e -f json` prints them: sudo's own parser, aliases expanded, includes followed. */
import { Field } from "../../nix/json-fields.ts";
import type { SudoRule, SudoUser } from "./rule.ts";

/** `malformed` for what is not that. */
export function rulesFromJson(text: string, file: string): SudoRule[] {
  const top = Field.parse(text, "sudoers");
  const hasOption = (field: Field, name: string): boolean =>
    field.has("Options") &&
    field
      .get("Options")
      .items()
      .some((one) => one.get(name).value === true);
  return list(top, "User_Specs").flatMap((spec) => {
    const users = list(spec, "User_List").map(userOf);
    return list(spec, "Cmnd_Specs").flatMap((commands) =>
      list(commands, "Commands").map((one) => ({
        users,
        command: one.get("command").string(),
        negated: one.get("negated").value === true,
        setEnvironment: hasOption(commands, "setenv"),
        file,
        line: undefined,
      })),
    );
  });
}

function userOf(field: Field): SudoUser {
  const negated = field.get("negated").value === true;
  const kinds = { username: "user", userid: "uid", usergroup: "group", usergid: "gid" } as const;
  for (const [key, kind] of Object.entries(kinds))
    if (field.has(key)) return { kind, name: String(field.get(key).value), negated };
  return { kind: "other", name: field.keys().join(), negated };
}

function list(field: Field, key: string): Field[] {
  return field.has(key) ? field.get(key).items() : [];
}
