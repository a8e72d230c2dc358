import { NixsealError } from "../core/errors.ts";
import { exitCodes } from "../core/exit.ts";
import { entryJson, type LedgerEntry } from "../gate/ledger/entry.ts";
import { originJson, type Actor, type Origin } from "../gate/ledger/origin.ts";
import type { LedgerFault } from "../gate/ledger/read.ts";
import { parsePick, pathHistories, type PathHistory } from "../gate/ledger/show.ts";
import { storeOpinion, type StoreOpinion } from "../gate/store/opinion.ts";
import { typedNix32 } from "../nix/hash.ts";
import { formatTime } from "../trust/root/root.ts";
import { gateHost } from "./gate-host.ts";
import { rootOption } from "./root.ts";
import { visible } from "./text.ts";
import type { AgentVerb } from "./verb.ts";

export const ledgerShow: AgentVerb = {
  options: [rootOption],
  argument: {
    name: "PATH",
    summary: "a store path, its base name, its 32 digits, its name, or a link into the store",
  },
  examples: [
    "nixseal-agent ledger show /run/current-system",
    "nixseal-agent ledger show openssl-3.0.14 --json",
  ],
  exits: ["1 the ledger is damaged, or the store has another content than what was let in"],
  run: async (context, values, argument) => {
    const host = await gateHost(context, values);
    const { pick, exact } = await parsePick(context.files, argument, host);
    const { paths: known, faults } = await pathHistories(context.files, host.paths.ledger, pick);
    const paths: readonly PathHistory[] =
      known.length > 0 || exact === null ? known : [{ path: exact, entries: [], dependencies: [] }];
    if (paths.length === 0)
      throw new NixsealError("not-found", `the ledger has nothing by the name '${argument}'`, {
        hint: "give the whole store path: then what the store itself says is shown",
      });
    const shown = [];
    for (const history of paths) {
      const opinion = await storeOpinion(context, host.store, history.path, host.config?.upstream ?? []);
      shown.push({ ...history, opinion });
    }
    for (const { file, line, kind, message } of faults)
      context.say(visible(`${isUsual(kind) ? "note" : "warning"}: ${file}:${line}: ${message}\n`));
    const document = { paths: shown.map(pathJson), faults };
    const text = shown.map(pathText).join("\n");
    await context.out(values["json"] === true ? `${JSON.stringify(document)}\n` : visible(text));
    const bad = faults.some(({ kind }) => !isUsual(kind)) || shown.some((one) => differs(one));
    return bad ? exitCodes.findings : exitCodes.done;
  },
};

type Shown = PathHistory & { readonly opinion: StoreOpinion };

/** What kills and power cuts leave, or a process that writes right now. */
function isUsual(kind: LedgerFault["kind"]): boolean {
  return kind === "torn" || kind === "waiting";
}

function differs({ entries, opinion }: Shown): boolean {
  const last = entries.findLast(({ event }) => event !== "quarantined");
  return last !== undefined && opinion.kind === "valid" && opinion.narHash !== typedNix32(last.narHash);
}

function pathJson(shown: Shown) {
  const { path, entries, dependencies, opinion } = shown;
  return {
    path,
    entries: entries.map(entryJson),
    dependencies: dependencies.map(({ path: one, origin }) => ({
      path: one,
      origin: origin === null ? null : originJson(origin),
    })),
    store: opinion,
    differs: differs(shown),
  };
}

function pathText(shown: Shown): string {
  const { path, entries, dependencies, opinion } = shown;
  const lines = [
    path,
    ...(entries.length === 0 ? ["  the ledger never heard of it"] : entries.map(entryText)),
    ...opinionText(opinion),
    ...(differs(shown) ? ["  DIFFERS: the store's content is not what was let in"] : []),
    ...(dependencies.length === 0 ? [] : ["  depends on:"]),
    ...dependencies.map(
      ({ path: one, origin }) => `    ${one}: ${origin === null ? "unknown" : originText(origin)}`,
    ),
  ];
  return `${lines.join("\n")}\n`;
}

function entryText({ time, event, origin }: LedgerEntry): string {
  return `  ${formatTime(time)} ${event}: ${originText(origin)}`;
}

function originText(origin: Origin): string {
  const sent =
    "uploader" in origin && origin.uploader !== null ? `, sent by ${actorText(origin.uploader)}` : "";
  switch (origin.kind) {
    case "warrant":
      return `warrant ${origin.digest.slice(0, 16)}… signed by ${origin.signers.map(actorText).join(", ")}${sent}`;
    case "upstream":
      return `upstream, signed by ${origin.signature.name}${sent}`;
    case "content-address":
      return `by its content${sent}`;
    case "build":
      return `built here by ${origin.derivation}`;
    case "quarantine":
      return `in the quarantine${sent}`;
    case "certificate":
      return `by a certificate for uploads (stage 0)${sent}`;
    case "unknown":
      return "unknown";
    default:
      return origin satisfies never;
  }
}

function actorText({ member, key, serial }: Actor): string {
  return `${member} (${key}${serial === null ? "" : `, certificate ${serial}`})`;
}

function opinionText(opinion: StoreOpinion): string[] {
  switch (opinion.kind) {
    case "missing":
      return ["  the store does not have it"];
    case "unknown":
      return [`  the store could not be asked: ${opinion.reason}`];
    case "valid": {
      const { registered, upstream, ultimate, deriver } = opinion;
      return [
        `  in the store${registered === null ? "" : ` since ${registered}`}, ${opinion.narHash}`,
        ...upstream.map((name) => `    a signature by ${name} holds`),
        ...(deriver === null ? [] : [`    says that it comes from ${deriver}, which nothing proves`]),
        ...(ultimate ? ["    says that it was built here, which nothing proves"] : []),
      ];
    }
    default:
      return opinion satisfies never;
  }
}
