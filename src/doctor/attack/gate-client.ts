/** The gate of a host in the lab, reached as sshd and sudo reach it: by starting this program. */
import { utf8Text } from "../../core/bytes.ts";
import { NixsealError } from "../../core/errors.ts";
import { Field } from "../../nix/json-fields.ts";
import { ServeClient } from "../../nix/protocol/serve-client.ts";
import type { Reply } from "./attack.ts";
import type { LabPath } from "./lab-path.ts";
import { labEnvironment, replyOf, type TargetPorts } from "./plain-target.ts";

export class GateClient {
  readonly #ports: TargetPorts;
  readonly #root: string;
  readonly #program: readonly string[];

  constructor(ports: TargetPorts, root: string, program: readonly string[]) {
    this.#ports = ports;
    this.#root = root;
    this.#program = program;
  }

  /** One message to the root side, in whatever bytes. */
  async tell(input: Uint8Array): Promise<Reply> {
    const [program, ...rest] = this.#program;
    const args = [...rest, "activate", "--json", "--root", this.#root];
    const { stdout, stderr } = await this.#ports.processes.run({
      program: program!,
      args,
      input,
      env: labEnvironment(this.#root),
      timeout: 60_000,
    });
    const line = utf8Text(stdout, "the answer of the gate")
      .split("\n")
      .findLast((one) => one.includes('"kind":"result"'));
    if (line === undefined)
      return { accepted: false, said: `the gate gave no result: ${stderr.trim().split("\n").at(-1) ?? ""}` };
    const result = Field.parse(line, "result");
    if (result.get("ok").boolean()) return { accepted: true, said: "the gate accepted it" };
    return { accepted: false, said: `${result.get("reason").string()} [${result.get("code").string()}]` };
  }

  /** The forced command of the deploy user. */
  #command(member: string, original: string) {
    const [program, ...rest] = this.#program;
    const args = [...rest, "receive", "--member", member, "--root", this.#root];
    const env = { ...labEnvironment(this.#root), SSH_ORIGINAL_COMMAND: original };
    return { program: program!, args, env, timeout: 60_000 };
  }

  receive(member: string, original: string, input: Uint8Array): Promise<Reply> {
    return replyOf(this.#ports.processes, { ...this.#command(member, original), input });
  }

  /** As a stock client does it with `nix copy --to ssh://`: `nix-store --serve --write` at the other end. */
  async upload(member: string, paths: readonly LabPath[]): Promise<Reply> {
    const conversation = this.#ports.processes.converse(this.#command(member, "nix-store --serve --write"));
    let fault = "";
    try {
      const client = await ServeClient.open({ port: conversation, clock: this.#ports.clock });
      const valid = new Set(await client.queryValidPaths(paths.map(({ info }) => info.path)));
      for (const { info, nar } of paths)
        if (!valid.has(info.path)) await client.addToStoreNar(info, pieces(info.narSize, nar));
    } catch (error) {
      if (!(error instanceof NixsealError)) throw error;
      fault = error.message;
    }
    const { code, stderr } = await conversation.end();
    const said =
      stderr
        .trim()
        .split("\n")
        .find((line) => line !== "") ?? fault;
    return { accepted: fault === "" && code === 0, said: said === "" ? "taken" : said };
  }
}

/** Whoever sends less than announced and waits would be waited for: the connection ends there. */
async function* pieces(size: number, nar: Uint8Array): AsyncGenerator<Uint8Array> {
  yield nar;
  if (nar.length < size) throw new NixsealError("cancelled", "the connection ended within the archive");
}
