/** The root side of `nixseal secrets push`: a signed order is decided on, its values are tried, kept and installed. */
import { createHash } from "node:crypto";
import { hex, base64, utf8, utf8Text } from "../core/bytes.ts";
import { canonicalJson } from "../core/canonical-json.ts";
import { readActivation } from "../gate/activate/activation.ts";
import type { Gate } from "../gate/activate/gate.ts";
import { locked } from "../gate/activate/locked.ts";
import { moveTrust } from "../gate/activate/move-trust.ts";
import { signedAsHost } from "../gate/activate/receipt.ts";
import { GateRefusal, type GateResult } from "../gate/answer.ts";
import type { SecretsMessage } from "../gate/secrets/message.ts";
import { decideSecrets } from "../gate/secrets/decide.ts";
import type { SecretsEnvelope } from "../gate/secrets/order.ts";
import { secretsReceiptNamespace } from "../gate/secrets/receipt.ts";
import { readKnowledge } from "../gate/state.ts";
import { installSecrets, type InstallOptions, type InstallReport } from "../secrets/install/install.ts";
import { layoutOf } from "../secrets/install/layout.ts";
import { installedManifest } from "../secrets/install/read-status.ts";
import { readManifest } from "../secrets/manifest-check.ts";
import type { Manifest } from "../secrets/manifest.ts";
import { checkPushed, pushedAfter } from "../secrets/pushed.ts";
import { formatTime } from "../trust/root/root.ts";
import { openPushed, sweepPushed, writeCiphertexts, writePushed } from "./pushed-values.ts";
import type { AgentContext } from "./verb.ts";

export function pushSecrets(
  context: AgentContext,
  gate: Gate,
  root: string,
  { order: envelope, ciphertexts, status }: SecretsMessage,
): Promise<GateResult> {
  return locked(gate, "secrets", async () => {
    const { files, paths, config, clock } = gate;
    if ((await readActivation(files, paths)) !== null)
      throw new GateRefusal("busy", "an activation is under way", "push when it has ended");
    const before = await readKnowledge(files, paths, config);
    const known = status === null ? before : await moveTrust(gate, before, status);
    const store = await openPushed(files, root);
    const { principals, threshold } = decideSecrets(envelope, {
      config,
      trust: known.trust,
      floor: known.accepted.floor,
      seq: store.values.seq,
      clock: clock.now(),
    });
    const { order } = envelope;
    const installed = await installedManifest(files, layoutOf(root));
    if (installed === null) throw new GateRefusal("secret", "this host's system installs no secrets");
    const read = await readManifest(files, installed.file);
    checkNames(read.manifest, envelope, config.host);
    const next = { ...store, values: pushedAfter(store.values, order.seq, order.values, read.manifest) };
    checkPushed(next.values);
    await writeCiphertexts(files, store.directory, byDigest(envelope, ciphertexts));
    const install = (dryRun: boolean): Promise<InstallReport> => {
      const options = {
        manifest: installed.file,
        root,
        stage: "default",
        dryRun,
        pushed: () => Promise.resolve(next),
        over: installed.file,
      } satisfies InstallOptions;
      return installSecrets({ ...context, files }, context.openIdentities, options);
    };
    try {
      const names = new Set(order.values.map(({ name }) => name));
      const failed = (await install(true)).failures.find(({ name }) => names.has(name));
      // What cannot be opened now will not be after the next boot either, when there is no former value to keep.
      if (failed !== undefined)
        throw new GateRefusal(
          "ciphertext",
          `secret '${failed.name}': ${failed.message}`,
          failed.hint ?? undefined,
        );
    } catch (error) {
      await sweepPushed(files, store);
      throw error;
    }
    await writePushed(files, store.directory, next.values);
    const who = principals.join(", ");
    await gate.say("secrets", `order ${order.seq} for ${order.values.length} values, signed by ${who}`, {
      level: "notice",
    });
    const report = await install(false);
    await sweepPushed(files, next);
    return await resultOf(gate, envelope, { principals, threshold }, report);
  });
}

/** Only what the running system declares, as it declares it: an order says what a value is, never where it goes. */
function checkNames({ host, secrets }: Manifest, { order }: SecretsEnvelope, own: string): void {
  if (host !== own) throw new GateRefusal("secret", `the installed manifest is that of '${host}'`);
  for (const { name } of order.values) {
    const secret = secrets.find((one) => one.name === name);
    if (secret === undefined)
      throw new GateRefusal(
        "secret",
        `the running system declares no secret '${name}'`,
        "deploy a system that does",
      );
    if (secret.stage !== "default")
      throw new GateRefusal(
        "secret",
        `'${name}' is needed before users are made`,
        "it comes with a system only",
      );
  }
}

/** Exactly the ciphertexts that the order names, in its order. */
function byDigest({ order }: SecretsEnvelope, ciphertexts: readonly Uint8Array[]): Map<string, Uint8Array> {
  if (ciphertexts.length !== order.values.length)
    throw new GateRefusal(
      "ciphertext",
      `${ciphertexts.length} ciphertexts for ${order.values.length} values`,
    );
  return new Map(
    order.values.map(({ name, digest }, index) => {
      const bytes = ciphertexts[index]!;
      if (hex(createHash("sha256").update(bytes).digest()) !== digest)
        throw new GateRefusal("ciphertext", `the ciphertext of '${name}' is not the one that was signed`);
      return [digest, bytes] as const;
    }),
  );
}

async function resultOf(
  gate: Gate,
  { order, digest }: SecretsEnvelope,
  { principals, threshold }: { readonly principals: readonly string[]; readonly threshold: number },
  { secrets, failures, problems, generation, restart, reload }: InstallReport,
): Promise<GateResult> {
  const changed = secrets.filter(({ change }) => change !== "unchanged").map(({ name }) => name);
  const payload = utf8(
    canonicalJson({
      v: 1,
      fleet: order.fleet,
      host: order.host,
      order: digest,
      seq: order.seq,
      generation,
      changed,
      failed: failures.map(({ name }) => name),
      ended: formatTime(gate.clock.now()),
    }),
  );
  const signatures = await signedAsHost(gate, payload, secretsReceiptNamespace);
  const receipt = utf8(`${canonicalJson({ payload: base64(payload), signatures })}\n`);
  return {
    kind: "result",
    ok: true,
    order: digest,
    seq: order.seq,
    principals: [...principals],
    threshold,
    changed,
    restart: [...restart],
    reload: [...reload],
    problems: [...failures.map(({ name, message }) => `secret '${name}': ${message}`), ...problems],
    receipt: utf8Text(receipt, "the receipt"),
  };
}
