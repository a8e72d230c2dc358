/** A fleet in a git repository, with keys to hand out, for tests of trust through the command line. */
import { spawnSync } from "node:child_process";
import type { TestContext } from "node:test";
import { testFleet, type TestFleet } from "./fleet.ts";

export interface TrustFleet extends TestFleet {
  /** Runs and must end with this code; gives stdout and stderr. */
  expect(code: number, ...words: string[]): string;
  shell(
    program: string,
    args: readonly string[],
    input?: string | Uint8Array,
  ): { code: number | null; output: string };
}

export function trustFleet(context: TestContext): TrustFleet {
  const fleet = testFleet(context, "");
  const text = `[fleet]
name = "test"
[hosts.web]
host_keys = ["${fleet.publicKey("web")}"]
tags = ["edge"]
[hosts.db]
host_keys = ["${fleet.publicKey("db")}"]
[members.alice]
keys = ["${fleet.publicKey("alice")}"]
[members.bob]
keys = ["${fleet.publicKey("bob")}"]
`;
  fleet.write("fleet.toml", text);
  const shell: TrustFleet["shell"] = (program, args, input = "") => {
    const { status, stdout, stderr } = spawnSync(program, args, {
      cwd: fleet.directory,
      env: fleet.env,
      input,
      encoding: "utf8",
      timeout: 60_000,
    });
    return { code: status, output: `${stdout}${stderr}` };
  };
  shell("git", ["init", "-q"]);
  return {
    ...fleet,
    shell,
    expect: (code, ...words) => {
      const result = fleet.run(words);
      const output = `${result.stdout}${result.stderr}`;
      if (result.code === code) return output;
      throw new Error(`nixseal ${words.join(" ")}: exit ${result.code}, expected ${code}\n${output}`);
    },
  };
}
