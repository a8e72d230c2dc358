import assert from "node:assert/strict";
import * as fs from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { temporaryDirectory } from "../../../test/support/temporary.ts";
import { pathOf, signed, warrant } from "../../../test/support/warrants.ts";
import type { DeployPlan } from "../../deploy/plan.ts";
import { files } from "../../system/files.ts";
import { formatWarrantEnvelope } from "../../trust/warrant/envelope.ts";
import { ordersOf } from "./execute.ts";

test("a plan that shows another system than its order names is refused before anybody signs", async (t) => {
  const directory = temporaryDirectory(t);
  const envelope = await signed(warrant());
  const { seq, toplevel, action, fleet } = envelope.warrant;
  const file = "warrants/web/0001.json";
  fs.mkdirSync(join(directory, "warrants/web"), { recursive: true });
  fs.writeFileSync(join(directory, file), formatWarrantEnvelope(envelope));
  const host = {
    name: "web",
    toplevel,
    warrant: { file, seq, digest: envelope.digest },
    current: null,
    change: null,
    reboot: null,
    units: null,
    secrets: null,
  };
  const plan = { fleet, action, hosts: [host] } as unknown as DeployPlan;
  const found = await ordersOf({ files }, { directory }, plan);
  assert.equal(found.get("web")!.envelope.digest, envelope.digest);
  const lies: DeployPlan[] = [
    { ...plan, hosts: [{ ...host, toplevel: pathOf("harmless") }] },
    { ...plan, hosts: [{ ...host, name: "mail" }] },
    { ...plan, hosts: [{ ...host, warrant: { ...host.warrant, seq: seq + 1 } }] },
    { ...plan, action: action === "boot" ? "switch" : "boot" },
  ];
  for (const lie of lies)
    await assert.rejects(ordersOf({ files }, { directory }, lie), {
      code: "refused",
      message: /orders something else/,
    });
});
