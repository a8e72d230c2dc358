/** What a host says that it did, signed with its host key: for whoever sent the order, who need not believe the line in between. */
import { join } from "node:path";
import { base64, utf8 } from "../../core/bytes.ts";
import { canonicalJson } from "../../core/canonical-json.ts";
import { NixsealError } from "../../core/errors.ts";
import { parsePrivateKey } from "../../ssh/private-key.ts";
import { privateKeySigner, signMessage } from "../../ssh/signer.ts";
import { armorSshSig } from "../../ssh/sshsig.ts";
import { formatTime } from "../../trust/root/root.ts";
import { readHead } from "../ledger/read.ts";
import { readGateTrust } from "../trust.ts";
import type { Activation } from "./activation.ts";
import type { Gate } from "./gate.ts";
import { runningSystem } from "./store.ts";

export const receiptNamespace = "nixseal-receipt@v1";

/** A host that activates every hour has a month of them. */
const mostReceipts = 1000;

/**
 * Into `receipts/`, as an envelope like those of root and warrants; without a signature when the host key cannot be read. A receipt is no
 * decision: a full disk keeps nobody from finishing.
 */
export async function writeReceipt(gate: Gate, activation: Activation): Promise<void> {
  try {
    const { files, paths } = gate;
    const payload = utf8(canonicalJson(await statement(gate, activation)));
    const signatures = await signedAsHost(gate, payload, receiptNamespace);
    const envelope = { payload: base64(payload), signatures };
    await files.makeDirectory(paths.receipts, { mode: 0o755, parents: true });
    const bytes = utf8(`${canonicalJson(envelope)}\n`);
    await files.writeAtomic(join(paths.receipts, fileName(activation)), bytes, { mode: 0o644 });
    const old = (await files.list(paths.receipts))
      .filter((name) => name.endsWith(".json"))
      .slice(0, -mostReceipts);
    for (const name of old) await files.remove(join(paths.receipts, name));
  } catch (error) {
    if (!(error instanceof NixsealError)) throw error;
    await gate.say("receipt", `the receipt cannot be written: ${error.message}`, { level: "warning" });
  }
}

/** Begins with the time, so that the oldest come first; the same for the same activation, however often it is written. */
export function fileName({ began, seq, warrant }: Activation): string {
  const time = formatTime(began).replaceAll(/[-:]/g, "");
  const which = warrant === null ? "console" : `${seq}-${warrant.slice(0, 16)}`;
  return `${time}-${which}.json`;
}

async function statement(gate: Gate, activation: Activation) {
  const { config, files, paths, clock } = gate;
  const { warrant, sequence, seq, action, outcome, reason, toplevel, previous, began } = activation;
  const { principals, confirmedBy, peer, log } = activation;
  const { root, krl } = await readGateTrust(files, paths, config);
  return {
    v: 1,
    fleet: config.fleet,
    host: config.host,
    warrant,
    sequence,
    seq,
    action,
    outcome,
    reason,
    toplevel,
    previous,
    running: await runningSystem(gate),
    began: formatTime(began),
    ended: formatTime(clock.now()),
    principals,
    log: log === null ? null : { ...log },
    confirmedBy,
    peer,
    root: root.root.version,
    krl: krl === null ? null : String(krl.version),
    ledger: await ledgerHead(gate),
  };
}

/** Whoever keeps the receipt can tell a ledger that was written anew: this line is not in it. */
async function ledgerHead({ files, paths, say }: Gate) {
  try {
    const head = await readHead(files, paths.ledger);
    return head === null ? null : { segment: head.segment, chain: head.chain };
  } catch (error) {
    if (!(error instanceof NixsealError)) throw error;
    await say("receipt", `the ledger cannot be read: ${error.message}`, { level: "warning" });
    return null;
  }
}

/** One armored signature, or none, with a warning, where the host key cannot be read. */
export async function signedAsHost(
  { files, paths, say }: Gate,
  payload: Uint8Array,
  namespace: string,
): Promise<string[]> {
  try {
    const key = parsePrivateKey(await files.read(paths.hostKey, { limit: 64 << 10 }));
    if (key.state === "ready")
      return [armorSshSig(await signMessage(payload, namespace, privateKeySigner(key.key)))];
    await say("receipt", "the host key is encrypted: the receipt is not signed", { level: "warning" });
  } catch (error) {
    if (!(error instanceof NixsealError)) throw error;
    await say("receipt", `the receipt is not signed: ${error.message}`, { level: "warning" });
  }
  return [];
}
