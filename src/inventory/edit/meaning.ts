import { NixsealError } from "../../core/errors.ts";
import type { Fleet, Secret } from "../model.ts";
import { hostsOf, readersOf } from "../recipients.ts";

/**
 * Proves that an edit of selectors changed nothing but one name: whom each secret reached before, with the name
 * replaced (or gone, when `to` is null), it reaches after. Taking "lufta" out of ["lufta", "!mail"] would hand the
 * secret to every host but mail; such an edit is refused.
 */
export function checkMeaning(
  before: Fleet,
  after: Fleet,
  kind: "host" | "member",
  from: string,
  to: string | null,
): void {
  const reached = kind === "host" ? hostsOf : readersOf;
  const names = (fleet: Fleet, secret: Secret): string[] => reached(fleet, secret).map(({ name }) => name);
  for (const secret of before.secrets.values()) {
    const now = after.secrets.get(secret.name);
    const expected = names(before, secret).flatMap((name) => (name === from ? (to ?? []) : name));
    if (now !== undefined && expected.sort().join("\n") === names(after, now).join("\n")) continue;
    const key = kind === "host" ? "hosts" : "readers";
    throw new NixsealError(
      "config",
      `nothing was changed, because the secret '${secret.name}' would reach others than before`,
      {
        hint: `change secrets.${secret.name}.${key} by hand so that it does not depend on '${from}', then try again`,
        where: { file: secret.file },
      },
    );
  }
}
