import { createHash } from "node:crypto";
import { basename, dirname, join } from "node:path";
import { NixsealError } from "../core/errors.ts";
import type { Check, CheckInfo, ExpressionCheck, Hit, TextFile } from "./checks/check.ts";
import { incomplete, unreadable } from "./checks/own.ts";
import { OptionIndex } from "./configuration/option-index.ts";
import { Findings } from "./findings.ts";
import { limits } from "./limits.ts";
import { checkNixFile, type NixChecks } from "./nix-file.ts";
import type { Coverage, LeftOut } from "./report.ts";
import { parseLockFile } from "./target/lock-file.ts";
import type { Target, TargetEntry } from "./target/target.ts";
import type { PlacedDefinition, Tree } from "./tree.ts";
import { parseWorkflow, workflowPath } from "./workflow.ts";

const kept: ReadonlySet<string> = new Set(["flake.nix", "fleet.toml", ".gitattributes"]);

/** One pass over a target: every file is read once, every check looks at it. */
export class Audit {
  readonly findings = new Findings();
  readonly #checks: readonly Check[];
  readonly #nix: NixChecks;
  readonly #now: Date;
  readonly #leftOut: LeftOut[] = [];
  readonly #texts = new Map<string, string>();
  readonly #heads = new Map<string, string>();
  readonly #wanted = new Map<string, PlacedDefinition[]>();
  readonly #named = new Set<string>();
  readonly #asked = { asked: 0, known: 0 };
  #locked: readonly string[] | null = null;
  #read = 0;
  #bytes = 0;
  #workflows = 0;

  constructor(checks: readonly Check[], now: Date) {
    this.#checks = checks;
    this.#now = now;
    this.#nix = nixChecks(checks);
  }

  /** `progress` is told how many files are done. */
  async run(target: Target, progress: (done: number) => void): Promise<Coverage> {
    for (const { file, reason, hides } of target.leftOut)
      this.#leaveOut(file, reason, hides === true || isRead(file));
    let done = 0;
    for (const entry of target.entries) {
      if (entry.kind === "file") await this.#entry(target, entry);
      // What lies in the target under another name: a link itself is never followed.
      else if (isRead(entry.path)) this.#named.add(join(dirname(entry.path), entry.link ?? ""));
      if (++done % 250 === 0) progress(done);
    }
    await this.#namedFiles(target);
    if (target.cut) {
      const last = target.leftOut.at(-1)!;
      const evidence = `${last.file}: ${last.reason}`;
      this.findings.add(incomplete, undefined, { unknown: true, evidence }, evidence);
    }
    this.#whole(target);
    return {
      files: target.entries.length,
      read: this.#read,
      bytes: this.#bytes,
      ...this.#asked,
      leftOut: this.#leftOut.slice(0, 100),
      leftOutCount: this.#leftOut.length,
    };
  }

  /** `import ./base` needs no `.nix`. What is named and is no Nix (a picture, ciphertext) is nobody's fault. */
  async #namedFiles(target: Target): Promise<void> {
    const files = new Map(target.entries.map((entry) => [entry.path, entry]));
    for (const name of this.#named) {
      const entry = files.get(name);
      if (
        entry?.kind !== "file" ||
        isRead(name) ||
        entry.size > limits.file ||
        this.#bytes + entry.size > limits.total
      )
        continue;
      try {
        const bytes = await target.read(entry);
        this.#bytes += bytes.length;
        this.#nixFile(name, bytes, Buffer.from(bytes).toString("utf8").split("\n"));
      } catch (error) {
        if (!(error instanceof NixsealError)) throw error;
      }
    }
  }

  async #entry(target: Target, entry: TargetEntry): Promise<void> {
    const { path, size } = entry;
    if (size > limits.file || this.#bytes + size > limits.total) {
      this.#leaveOut(
        path,
        size > limits.file
          ? `${size} bytes, more than ${limits.file}`
          : `more than ${limits.total} bytes in all`,
      );
      return;
    }
    let bytes: Uint8Array = new Uint8Array();
    try {
      bytes = await target.read(entry);
      this.#bytes += bytes.length;
      if (await this.#file(path, bytes)) this.#read++;
    } catch (error) {
      if (!(error instanceof NixsealError)) throw error;
      if (error.code === "malformed" || error.code === "config") this.#unreadable(path, error, bytes);
      else this.#leaveOut(path, error.message);
    }
  }

  /** Whether there was anything to look at: what is no text, as pictures, is not. */
  async #file(path: string, bytes: Uint8Array): Promise<boolean> {
    const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#heads.set(path, buffer.toString("latin1", 0, 10));
    // What Nix or the forge reads is looked at whatever it holds: Nix takes a NUL in a comment.
    if (buffer.subarray(0, 8192).includes(0) && !isRead(path)) return false;
    const file: TextFile = { path, text: buffer.toString("utf8") };
    const lines = file.text.split("\n");
    if (kept.has(path)) this.#texts.set(path, file.text);
    for (const check of this.#checks) {
      if (check.looksAt !== "text" || check.files?.(path) === false) continue;
      for (const hit of check.find(file)) this.#add(check, path, hit, lines);
    }
    if (path.endsWith(".nix")) this.#nixFile(path, bytes, lines);
    else if (basename(path) === "flake.lock") this.#lockFile(path, file.text, lines);
    else if (workflowPath.test(path)) await this.#workflow(path, file.text, lines);
    return true;
  }

  #nixFile(path: string, bytes: Uint8Array, lines: readonly string[]): void {
    const { wanted, named } = checkNixFile(path, bytes, lines, this.#nix, this.findings, this.#asked);
    for (const name of named) this.#named.add(join(dirname(path), name));
    for (const { option, definition } of wanted) {
      const list = this.#wanted.get(option) ?? [];
      if (list.length < limits.report) list.push({ file: path, definition });
      this.#wanted.set(option, list);
    }
  }

  #lockFile(path: string, text: string, lines: readonly string[]): void {
    const lock = parseLockFile(path, text);
    if (path === "flake.lock") this.#locked = lock.direct;
    for (const check of this.#checks) {
      if (check.looksAt !== "lock") continue;
      for (const hit of check.find(lock, this.#now)) this.#add(check, path, hit, lines);
    }
  }

  async #workflow(path: string, text: string, lines: readonly string[]): Promise<void> {
    this.#workflows += text.length;
    if (text.length > limits.workflow || this.#workflows > limits.workflows)
      throw new NixsealError(
        "limit",
        `workflows of more than ${limits.workflow} bytes, or ${limits.workflows} in all`,
      );
    const workflow = await parseWorkflow(path, text);
    for (const check of this.#checks) {
      if (check.looksAt !== "workflow") continue;
      for (const hit of check.find(workflow)) this.#add(check, path, hit, lines);
    }
  }

  #whole({ entries, singleFile }: Target): void {
    const tree: Tree = {
      entries,
      texts: this.#texts,
      heads: this.#heads,
      locked: this.#locked,
      singleFile,
      find: (option) => this.#wanted.get(option) ?? [],
    };
    for (const check of this.#checks) {
      if (check.looksAt !== "tree") continue;
      for (const hit of check.find(tree))
        this.findings.add(check, hit.file, hit, `${hit.message ?? ""}\n${hit.evidence ?? ""}`);
    }
  }

  #add(check: CheckInfo, path: string, hit: Hit, lines: readonly string[]): void {
    const line = lines[(hit.line ?? 1) - 1] ?? "";
    this.findings.add(check, path, hit, `${line}\n${hit.message ?? ""}`);
  }

  /** A waiver is for these bytes: another content with the same fault is another thing. */
  #unreadable(path: string, error: NixsealError, bytes: Uint8Array): void {
    this.findings.add(
      unreadable,
      path,
      { unknown: true, line: error.where?.line, message: `could not be read: ${error.message}` },
      `${error.message}\0${createHash("sha256").update(bytes).digest("hex")}`,
    );
  }

  /** A file that checks wanted to look into is a finding; a large picture is only counted. */
  #leaveOut(path: string, reason: string, counts = isRead(path)): void {
    this.#leftOut.push({ file: path, reason });
    if (counts)
      this.findings.add(unreadable, path, { unknown: true, message: `was not looked at: ${reason}` }, reason);
  }
}

/** What Nix or the forge would read under this name. */
function isRead(path: string): boolean {
  return path.endsWith(".nix") || basename(path) === "flake.lock" || workflowPath.test(path);
}

function nixChecks(checks: readonly Check[]): NixChecks {
  const options: NixChecks["options"] = new OptionIndex();
  const wanted = new OptionIndex<string>();
  const expressions = new Map<ExpressionCheck["kinds"][number], ExpressionCheck[]>();
  const seen = new Set<string>();
  for (const check of checks) {
    if (check.looksAt === "option") for (const option of check.options) options.add(option, check);
    if (check.looksAt === "expression")
      for (const kind of check.kinds) expressions.set(kind, [...(expressions.get(kind) ?? []), check]);
    if (check.looksAt !== "tree") continue;
    for (const option of check.options ?? []) {
      if (!seen.has(option)) wanted.add(option, option);
      seen.add(option);
    }
  }
  return { options, wanted, expressions };
}
