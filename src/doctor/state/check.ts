/** Whether what the gate keeps is whole and fresh, and whether the host runs what was ordered. */
import { fromBase64, utf8Text } from "../../core/bytes.ts";
import { NixsealError } from "../../core/errors.ts";
import { Field } from "../../nix/json-fields.ts";
import { readLedger } from "../../gate/ledger/read.ts";
import { readActive } from "../../gate/pending.ts";
import { readKnowledge, type GateKnowledge } from "../../gate/state.ts";
import { readSystems } from "../../gate/store/systems.ts";
import { trustFloor } from "../../gate/trust.ts";
import { formatNamed } from "../../nix/signing-key.ts";
import { formatTime } from "../../trust/root/root.ts";
import type { DoctorFinding, Findings } from "../finding.ts";
import type { DoctorHost } from "../host.ts";

const day = 24 * 3600 * 1000;
/** Clocks of machines in one fleet differ by less. */
const tolerated = 5 * 60 * 1000;
const limits = { krlDays: 30, rootDays: 14, warnings: 20, receipt: 1 << 20 } as const;

export async function* checkTrust(host: DoctorHost): Findings {
  if (!(await hasTrust(host))) return; // said by the check of the anchor
  const knowledge = await readKnowledge(host.files, host.paths, host.config);
  yield* clock(host, knowledge);
  yield* root(host, knowledge);
  yield* revocations(host, knowledge);
}

function* clock({ now }: DoctorHost, { trust, accepted }: GateKnowledge): Findings {
  const floor = trustFloor(trust, accepted.floor);
  if (floor !== null && floor.getTime() > now.getTime() + tolerated)
    yield finding(
      "clock",
      "high",
      `the clock says ${formatTime(now)}, but something was accepted at ${formatTime(floor)}`,
      {
        enables: ["expired", "frozen"],
        hint: "set the clock: the gate decides at the later of both, and what expires between is judged too early or too late",
      },
    );
}

function* root({ now, config }: DoctorHost, { trust }: GateKnowledge): Findings {
  const accepted = trust.root.root;
  const left = (accepted.expires.getTime() - now.getTime()) / day;
  const hint = "sign the next version (nixseal trust sign) and deploy: it travels along";
  if (left <= 0)
    yield finding(
      "root-expiry",
      "critical",
      `root version ${accepted.version} expired at ${formatTime(accepted.expires)}: nothing can be deployed`,
      { enables: [], hint },
    );
  else if (left < limits.rootDays)
    yield finding(
      "root-expiry",
      "medium",
      `root version ${accepted.version} expires in ${Math.floor(left)} days`,
      { enables: [], hint },
    );
  const stray = config.upstream.map(formatNamed).filter((key) => !accepted.upstream.includes(key));
  for (const key of stray)
    yield finding(
      "upstream-keys",
      "high",
      `gate.json lets ${key.split(":")[0]!} pass paths without a warrant, and the root does not name that key`,
      {
        enables: ["planting", "laundering"],
        hint: "let gate.json name only keys that the root's signers agreed on",
      },
    );
}

function* revocations({ now }: DoctorHost, { trust }: GateKnowledge): Findings {
  const hint = "run nixseal trust revoke or sign the list anew, and deploy: the status bundle brings it";
  if (trust.krl === null)
    yield finding("krl-age", "low", "this host has never seen a revocation list", {
      enables: ["revoked", "frozen"],
      hint,
    });
  else {
    const age = (now.getTime() - Number(trust.krl.generated) * 1000) / day;
    if (age > limits.krlDays)
      yield finding(
        "krl-age",
        "medium",
        `the revocation list ${trust.krl.version} is ${Math.floor(age)} days old`,
        {
          enables: ["revoked", "frozen"],
          hint,
        },
      );
  }
}

/** Does the host run, and will it boot, what a warrant named? And is there a receipt for it? */
export async function* checkSystem(host: DoctorHost): Findings {
  const { files, paths, config, root: prefix } = host;
  if (config.mode !== "warrants") {
    yield finding(
      "stage-0",
      "medium",
      "the gate takes uploads by certificates alone: a member who may upload can become root",
      {
        enables: ["planting", "laundering", "content-addressed"],
        hint: "set mode to warrants",
      },
    );
    return;
  }
  const active = await readActive(files, paths);
  const systems = await readSystems(files, {
    root: prefix,
    profile: config.profile,
    storeDirectory: config.storeDirectory,
  });
  const names = {
    running: "the running system",
    booted: "the booted system",
    profile: "the system that boots next",
  };
  for (const name of ["running", "profile"] as const) {
    const system = systems[name];
    if (system === null || system === active?.warrant.toplevel) continue;
    const what =
      active === null
        ? "no warrant was activated by the gate yet"
        : `the active warrant names ${active.warrant.toplevel}`;
    yield finding(
      "not-warranted",
      active === null ? "low" : "high",
      `${names[name]} is ${system}, and ${what}`,
      {
        enables: ["planting"],
        hint: "order a warrant for it, or activate what was ordered",
      },
    );
  }
  if (active === null) return;
  const mark = `-${active.warrant.seq}-${active.digest.slice(0, 16)}.json`;
  const receipts = await receiptsOf(files, paths.receipts);
  if (!receipts.some((name) => name.endsWith(mark)))
    yield finding(
      "receipts",
      "medium",
      `there is no receipt for warrant ${active.warrant.seq}, which is active`,
      {
        enables: ["frozen"],
        hint: "activate it again, and look into the journal for why the receipt could not be written",
      },
    );
}

export async function* checkLedger(host: DoctorHost): Findings {
  const { files, paths } = host;
  const heads = await headsOfReceipts(host);
  let count = 0;
  let seen = false;
  for await (const item of readLedger(files, paths.ledger)) {
    seen = true;
    if (item.kind === "entry") heads.delete(item.chain);
    if (item.kind !== "fault" || (count += 1) > limits.warnings) continue;
    const { kind, file, line, message } = item.fault;
    const hints = {
      torn: "nothing to do: what was confirmed is there",
      waiting: "nothing to do: an upload is under way, or the next one or an activation takes them in",
      changed: whoWasRoot,
      missing: whoWasRoot,
    };
    yield {
      ...finding("ledger", kind === "torn" || kind === "waiting" ? "info" : "high", message, {
        enables: [],
        hint: hints[kind],
      }),
      file,
      line,
    };
  }
  for (const name of [...heads.values()].slice(0, limits.warnings))
    yield {
      ...finding("ledger", "high", `the ledger has no line that this receipt names: ${name}`, {
        enables: [],
        hint: whoWasRoot,
      }),
      file: paths.ledger,
    };
  if (!seen && (await files.statusOfLink(paths.active)) !== null)
    yield finding("ledger", "high", "a warrant was activated, and the ledger is empty", {
      enables: [],
      hint: whoWasRoot,
    });
}

const whoWasRoot = "find out who was root then: only root writes there";

/** Receipts by the line of the ledger that each names. Receipts of earlier versions name none. */
async function headsOfReceipts({ files, paths }: DoctorHost): Promise<Map<string, string>> {
  const heads = new Map<string, string>();
  for (const name of await receiptsOf(files, paths.receipts)) {
    const bytes = await files.read(`${paths.receipts}/${name}`, { limit: limits.receipt, follow: false });
    const envelope = Field.parse(utf8Text(bytes, name), name);
    const payload = envelope.has("payload") ? fromBase64(envelope.get("payload").string()) : null;
    if (payload === null)
      throw new NixsealError("malformed", "this is no receipt", { where: { file: name } });
    const ledger = Field.parse(utf8Text(payload, name), name).get("ledger");
    if (!ledger.isNull) heads.set(ledger.get("chain").string(), name);
  }
  return heads;
}

async function receiptsOf(files: DoctorHost["files"], directory: string): Promise<string[]> {
  if ((await files.statusOfLink(directory)) === null) return [];
  return (await files.list(directory)).filter((name) => name.endsWith(".json") && !name.startsWith("."));
}

/** What must be there for the gate to decide anything. */
export async function* checkAnchor({ files, paths, config }: DoctorHost): Findings {
  if (await hasTrust({ files, paths })) return;
  yield {
    ...finding("anchor", "high", "the root that trust begins with is not there", {
      enables: [],
      hint: `copy the fleet's trust/root.json to ${config.root}`,
    }),
    file: config.root,
  };
}

async function hasTrust({ files, paths }: Pick<DoctorHost, "files" | "paths">): Promise<boolean> {
  for (const file of [paths.anchor, paths.trust]) if ((await files.status(file)) !== null) return true;
  return false;
}

function finding(
  id: string,
  severity: DoctorFinding["severity"],
  message: string,
  rest: Pick<DoctorFinding, "enables" | "hint">,
): DoctorFinding {
  return { id, severity, verdict: "affected", message, ...rest };
}
