/** The fields that only our advisories have, out of JSON. */
import { NixsealError } from "../../core/errors.ts";
import type { Field } from "../../nix/json-fields.ts";
import { defaultStoreDirectory, parseStorePath } from "../../nix/store-path.ts";
import { advisoryLimits, type TeamFields } from "./advisory.ts";
import { revision } from "./channels.ts";
import { items, shortText } from "./fields.ts";

/** Throws `malformed`, naming the field. Other keys are ignored: `database_specific` is shared. */
export function readTeamFields(field: Field): TeamFields {
  const list = <T>(key: string, read: (item: Field) => T): readonly T[] | undefined =>
    field.has(key) ? items(field.get(key), 1000).map(read) : undefined;
  const word = (item: Field): string => shortText(item, advisoryLimits.name);
  return dropUndefined({
    channels: list("channels", (item) => ({
      channel: word(item.get("channel")),
      fixed: item.get("fixed").parsed(revision),
    })),
    patches: list("patches", word),
    condition: field.has("condition") ? condition(field.get("condition")) : undefined,
    units: list("units", (item) => item.parsed(unitName)),
    graft: field.has("graft")
      ? {
          replace: storePath(field.get("graft").get("replace")),
          with: storePath(field.get("graft").get("with")),
        }
      : undefined,
  });
}

function condition(field: Field): NonNullable<TeamFields["condition"]> {
  const option = shortText(field.get("option"), advisoryLimits.name);
  const { value } = field.get("equals");
  if (typeof value !== "string" && typeof value !== "boolean" && typeof value !== "number")
    throw field.get("equals").wrong("text, a number, true or false");
  return { option, equals: value };
}

/** systemd.unit(5). A name goes to `systemctl stop` one day: nothing that could be a flag or a pattern. */
function unitName(text: string): string {
  if (/^[A-Za-z0-9_][A-Za-z0-9:_.\\@-]{0,240}\.(?:service|socket|timer|target|path|mount)$/.test(text))
    return text;
  throw new NixsealError("malformed", "expected the name of a systemd unit");
}

function storePath(field: Field): string {
  return field.parsed((text) => parseStorePath(text, defaultStoreDirectory));
}

function dropUndefined(fields: TeamFields): TeamFields {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}
