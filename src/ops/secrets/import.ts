import { resolve } from "node:path";
import * as z from "zod";
import { op } from "../op.ts";
import { identityFlag } from "./identities.ts";

export interface ImportOptions {
  readonly keepPaths: boolean;
  readonly dryRun: boolean;
  readonly identity: readonly string[];
  /** Selectors for tools that do not say which hosts a secret is for. */
  readonly hosts: readonly string[];
}

const report = z.object({
  imported: z.array(
    z.object({
      secret: z.string(),
      from: z.string(),
      hosts: z.array(z.string()),
      readers: z.array(z.string()).nullable(),
    }),
  ),
  present: z.array(z.string()),
  missing: z.array(z.string()),
  exposed: z.boolean().describe("whether the values were readable by everybody where they came from"),
  dryRun: z.boolean(),
  diff: z.string(),
});

export type ImportReport = z.infer<typeof report>;

export const importSecrets = op({
  effect: "write",
  input: z.object({
    from: z.enum(["agenix", "sops", "nix-infra"]).describe("whose secrets"),
    file: z
      .string()
      .describe(
        "agenix's rules file (secrets.nix), a SOPS file (YAML or JSON), or nix-infra's directory of secrets",
      ),
    keepPaths: z
      .boolean()
      .default(false)
      .describe("agenix: let the values appear at /run/agenix/NAME, where the configuration expects them"),
    hosts: z
      .array(z.string())
      .meta({ value: "SELECTOR" })
      .describe("nix-infra: which hosts get the secrets, since its files do not say")
      .default([]),
    identity: identityFlag,
    dryRun: z.boolean().default(false).describe("show the change, write nothing"),
  }),
  positional: ["from", "file"],
  output: report,
  examples: [
    {
      command: "nixseal secrets import agenix ./secrets.nix --dry-run",
      says: "what would be added to fleet.toml",
    },
    {
      command: "nixseal secrets import agenix ./secrets.nix",
      says: "takes the files over: nothing is re-encrypted",
    },
    {
      command: "nixseal secrets import sops ./secrets/web.yaml",
      says: "each value becomes a secret of its own",
    },
  ],
  run: async (context, { from, file, ...options }) => {
    const path = resolve(context.workingDirectory, file);
    if (from === "agenix") return (await import("./import-agenix.ts")).importAgenix(context, path, options);
    const values = await import("./import-values.ts");
    return from === "sops"
      ? values.importSops(context, path, options)
      : values.importNixInfra(context, path, options);
  },
  text: ({ imported, present, missing, exposed, dryRun, diff }, paint) =>
    [
      ...(dryRun ? [diff.trimEnd()] : imported.map(({ secret, from }) => `imported ${secret} from ${from}`)),
      ...(present.length > 0 ? [`in the inventory already: ${present.join(", ")}`] : []),
      ...(missing.length > 0 ? [`without a file: ${missing.join(", ")}`] : []),
      exposed
        ? paint.bad(
            "these values were stored without encryption: set a new value for each, here and where it is used",
          )
        : "",
      dryRun ? "" : "next: `nixseal secrets check`, and `nixseal secrets rekey` for what it names",
    ]
      .filter((line) => line !== "")
      .join("\n"),
});
