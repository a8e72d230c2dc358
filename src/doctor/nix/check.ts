/** Whether Nix itself lets somebody put paths into the store that nobody ordered. */
import { formatNamed } from "../../nix/signing-key.ts";
import type { DoctorFinding, Findings } from "../finding.ts";
import type { DoctorHost } from "../host.ts";
import { readSettings, wordsOf, type Setting, type Settings } from "./settings.ts";

/** The daemon is root's process: it reads root's own file too. */
const files = ["/etc/nix/nix.conf", "/root/.config/nix/nix.conf"];

export async function* checkNix(host: DoctorHost): Findings {
  const settings = await readSettings(host, files);
  yield* trustedUsers(settings);
  yield* trustedKeys(settings, host);
  yield* checkedAtAll(settings);
  yield* signing(settings);
}

function* trustedUsers(settings: Settings): Findings {
  for (const { word, setting } of wordsOf(settings, "trusted-users"))
    if (word !== "root")
      yield affected("nix-trusted-users", "critical", setting, `${word} is a trusted user of Nix`, {
        enables: ["planting", "laundering", "content-addressed"],
        hint: "leave root alone in trusted-users: a trusted user writes any path without a signature, which is root",
      });
}

function* trustedKeys(settings: Settings, { config }: DoctorHost): Findings {
  const upstream = new Set(config.upstream.map(formatNamed));
  for (const { word, setting } of wordsOf(settings, "trusted-public-keys"))
    if (!upstream.has(word))
      yield affected(
        "nix-trusted-keys",
        "critical",
        setting,
        `Nix takes whatever ${nameOf(word)} signed, and that key is not one of the gate's upstream caches`,
        {
          enables: ["planting", "laundering"],
          hint: "take it out of trusted-public-keys; members' signatures count in warrants only",
        },
      );
  // Nix's own default is the key of cache.nixos.org: without the setting that one is trusted.
  if (
    !settings.has("trusted-public-keys") &&
    config.upstream.every(({ name }) => name !== "cache.nixos.org-1")
  )
    yield affected(
      "nix-trusted-keys",
      "low",
      null,
      "trusted-public-keys is not set: cache.nixos.org-1 is trusted",
      {
        enables: [],
        hint: "set trusted-public-keys to exactly the gate's upstream keys",
      },
    );
}

function* checkedAtAll(settings: Settings): Findings {
  const last = settings.get("require-sigs")?.at(-1);
  if (last !== undefined && last.value !== "true")
    yield affected("nix-require-sigs", "critical", last, "Nix takes paths without any signature", {
      enables: ["planting", "laundering"],
      hint: "remove require-sigs = false",
    });
  for (const name of ["trusted-substituters", "substituters"])
    for (const { word, setting } of wordsOf(settings, name))
      if (/[?&]trusted=(?:1|true|yes)\b/.test(word))
        yield affected(
          "nix-require-sigs",
          "critical",
          setting,
          `${name}: signatures of ${word} are not checked`,
          {
            enables: ["planting"],
            hint: "remove trusted=1 from the store's address",
          },
        );
  const sandbox = settings.get("sandbox")?.at(-1);
  if (sandbox !== undefined && sandbox.value !== "true")
    yield affected(
      "nix-sandbox",
      "medium",
      sandbox,
      `builds on this host run with sandbox = ${sandbox.value}`,
      {
        enables: ["laundering"],
        hint: "set sandbox = true: a build could read what was planted anywhere on the host",
      },
    );
}

function* signing(settings: Settings): Findings {
  for (const { word, setting } of wordsOf(settings, "secret-key-files"))
    yield affected(
      "nix-secret-key-files",
      "high",
      setting,
      `every build of this host is signed with ${word}`,
      {
        enables: ["laundering"],
        hint: "remove secret-key-files: whoever builds here, from whatever inputs, gets the key's signature",
      },
    );
}

/** Of `name:base64`, as far as it has one; what is printed is not the whole line of somebody's file. */
function nameOf(key: string): string {
  return key.split(":")[0]!.slice(0, 128);
}

function affected(
  id: string,
  severity: DoctorFinding["severity"],
  setting: Setting | null,
  message: string,
  rest: Pick<DoctorFinding, "enables" | "hint">,
): DoctorFinding {
  return { id, severity, verdict: "affected", file: setting?.file, line: setting?.line, message, ...rest };
}
