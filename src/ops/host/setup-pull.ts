/** A host that looks for its orders itself: the flags for it, and the file and units that they make. */
import * as z from "zod";
import { utf8 } from "../../core/bytes.ts";
import { canonicalJson, type Json } from "../../core/canonical-json.ts";
import { NixsealError } from "../../core/errors.ts";
import { parsePullConfig } from "../../delivery/pull-config.ts";
import type { PullSetup } from "../../gate/setup/host-files.ts";

export const pullFlags = {
  pull: z
    .string()
    .meta({ value: "URL|DIR" })
    .describe(
      "it looks for its orders itself, in what 'nixseal deploy publish' wrote (default: it is sent them)",
    )
    .optional(),
  pullRepository: z
    .string()
    .meta({ value: "URL" })
    .describe("the same, in the fleet's repository")
    .optional(),
  pullIntroduction: z
    .string()
    .meta({ value: "COMMIT" })
    .describe("the commit of the repository that it trusts; later ones follow the policy in the history")
    .optional(),
  pullBranch: z.string().default("main").meta({ value: "BRANCH" }).describe("the branch of the repository"),
  pullCache: z
    .string()
    .meta({ value: "URL|DIR" })
    .describe("the binary cache with the archives (default: the one in the delivery)")
    .optional(),
  pullReport: z
    .string()
    .meta({ value: "URL" })
    .describe(
      "where it hands in its receipts, by HTTP PUT (default: a directory of orders, if it can write there)",
    )
    .optional(),
};

const flags = z.object(pullFlags);

/** Null where no flag asks for it. `usage` for flags that do not go together, `config` for what the host would not read. */
export function pullSetupOf(
  given: z.output<typeof flags>,
  { mode, confirmWithin }: { readonly mode: "warrants" | "certificates"; readonly confirmWithin: number },
): PullSetup | null {
  const source = sourceOf(given);
  if (source === null) {
    const more = given.pullCache ?? given.pullReport ?? given.pullIntroduction;
    if (more === undefined) return null;
    throw new NixsealError("usage", "where the host is to look for its orders is not said", {
      hint: "--pull URL, or --pull-repository URL --pull-introduction COMMIT",
    });
  }
  if (mode !== "warrants")
    throw new NixsealError(
      "usage",
      "a host pulls what members have signed: with certificates there is nothing to pull",
    );
  if (confirmWithin !== 0)
    throw new NixsealError("usage", "nobody confirms what a host pulls", {
      hint: "--confirm-within 0, and let --health decide",
    });
  const { pullCache: cache = null, pullReport: report = null } = given;
  const config = `${canonicalJson({ v: 1, source, cache, substitute: true, report })}\n`;
  const { source: read } = parsePullConfig(utf8(config)); // what the host itself would not read is not written
  return { config, receipts: read.kind === "directory" && report === null ? read.path : null };
}

function sourceOf({ pull, pullRepository, pullIntroduction, pullBranch }: z.output<typeof flags>): Json {
  if (pull !== undefined && pullRepository !== undefined)
    throw new NixsealError("usage", "--pull and --pull-repository are two places to look for orders in", {
      hint: "give one of them",
    });
  if (pull !== undefined)
    return pull.startsWith("/")
      ? { kind: "directory", path: pull, removable: false }
      : { kind: "web", url: pull };
  if (pullRepository === undefined) return null;
  if (pullIntroduction === undefined)
    throw new NixsealError("usage", "a repository alone says nothing about who may change it", {
      hint: "--pull-introduction COMMIT: the whole id of the commit that the host is to trust",
    });
  return {
    kind: "git",
    url: pullRepository,
    branch: pullBranch,
    introduction: pullIntroduction,
    directory: ".",
  };
}
