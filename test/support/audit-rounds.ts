/** A place with targets, a clock that is moved by hand, and rounds of audits over them. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { audit } from "../../src/ops/audit/audit.ts";
import type { Round } from "../../src/ops/audit/round-view.ts";
import type { Context } from "../../src/ops/op.ts";
import { auditContext } from "./audit-context.ts";

export class World {
  readonly context: Context;
  readonly directory: string;
  #now: Date;

  constructor(context: TestContext, now: Date, environment: Record<string, string> = {}) {
    this.#now = now;
    const base = auditContext(context, now, environment);
    this.context = { ...base, clock: { now: () => this.#now, sleep: () => Promise.resolve() } };
    this.directory = base.workingDirectory;
  }

  at(now: Date): this {
    this.#now = now;
    return this;
  }

  path(name: string): string {
    return join(this.directory, name);
  }

  /** A repository with these files, committed. */
  commit(name: string, files: Readonly<Record<string, string>>): void {
    mkdirSync(this.path(name), { recursive: true });
    const git = (...words: string[]): void => {
      const { status, stderr } = spawnSync(
        "git",
        ["-c", "user.name=a", "-c", "user.email=a@example.org", ...words],
        {
          cwd: this.path(name),
          encoding: "utf8",
          env: { PATH: process.env["PATH"], HOME: this.directory },
        },
      );
      assert.equal(status, 0, stderr);
    };
    git("init", "-q");
    for (const [file, text] of Object.entries(files)) writeFileSync(this.path(`${name}/${file}`), text);
    git("add", "-A");
    git("commit", "-q", "--allow-empty", "-m", "x");
  }

  targets(text: string): void {
    writeFileSync(this.path("targets.toml"), text);
  }

  async round(given: Record<string, unknown> = {}) {
    const input = audit.input.parse({ targets: "targets.toml", into: "out", ...given }) as never;
    const round: unknown = await audit.run(this.context, input);
    return { round: round as Round, exit: audit.exit!(round as never) };
  }

  feed(): { title: string; content_text: string; id: string; url?: string }[] {
    return (JSON.parse(readFileSync(this.path("out/feed.json"), "utf8")) as { items: [] }).items;
  }
}
