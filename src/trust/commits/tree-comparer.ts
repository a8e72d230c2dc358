import { NixsealError } from "../../core/errors.ts";
import type { Conversation } from "../../core/ports.ts";
import type { Git } from "./git.ts";
import type { ObjectId } from "./object-id.ts";
import { OutputReader } from "./output-reader.ts";

const maximumPaths = 500_000;
const longestPath = 64 << 10;
const colon = 0x3a;
const end = "end";

/** `git diff-tree`: which paths differ between two trees, one process for all questions. */
export class TreeComparer {
  readonly #conversation: Conversation;
  readonly #output: OutputReader;

  constructor(git: Git) {
    const options = ["-r", "-z", "--raw", "--no-renames", "--no-ext-diff", "--no-textconv"];
    // Without this `ignore = all` in .gitmodules, which comes with the commits, hides a submodule that moves.
    this.#conversation = git.converse("diff-tree", ...options, "--ignore-submodules=none", "--stdin");
    this.#output = new OutputReader(this.#conversation);
  }

  /** Paths of files, links and submodules, bytes as Latin-1. A rename is two paths. */
  async paths(before: ObjectId, after: ObjectId): Promise<string[]> {
    if (before === after) return [];
    // Git gives a line back that is no question, and only then writes out what it has.
    await this.#conversation.write(Buffer.from(`${before} ${after}\n${end}\n`));
    await this.#expect(`${before} ${after}`);
    const paths: string[] = [];
    while ((await this.#output.peek()) === colon) {
      await this.#output.line(0);
      paths.push(await this.#output.line(0, longestPath));
      if (paths.length > maximumPaths)
        throw new NixsealError("refused", `a commit changes more than ${maximumPaths} paths`);
    }
    await this.#expect(end);
    return paths;
  }

  close(): void {
    this.#conversation.kill();
  }

  async #expect(line: string): Promise<void> {
    if ((await this.#output.line()) !== line)
      throw new NixsealError("tool", "git diff-tree gave an answer that nobody asked for");
  }
}
