import assert from "node:assert/strict";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { basename, join } from "node:path";
import { test, type TestContext } from "node:test";
import { temporaryDirectory } from "../../../test/support/temporary.ts";
import { utf8 } from "../../core/bytes.ts";
import { NixsealError } from "../../core/errors.ts";
import { files } from "../../system/files.ts";
import { holdLease, type HoldPorts, type LeaseEnd } from "./hold.ts";
import { formatLine, parseAnswer, type LeaseRequest } from "./message.ts";

/** Time that only the test lets pass. */
class Hours {
  readonly #waiting: { readonly milliseconds: number; readonly wake: () => void }[] = [];
  readonly sleep = (milliseconds: number): Promise<void> =>
    new Promise((wake) => this.#waiting.push({ milliseconds, wake }));

  /** Ends all sleeps of that many milliseconds, those too that begin later. */
  passOften(context: TestContext, milliseconds: number): void {
    const timer = setInterval(() => {
      for (const sleeper of this.#waiting) if (sleeper.milliseconds === milliseconds) sleeper.wake();
    }, 5);
    context.after(() => clearInterval(timer));
  }
}

/** A stdin that the test writes to. */
class Pipe implements AsyncIterable<Uint8Array> {
  readonly #pieces: (Uint8Array | null)[] = [];
  #wake = (): void => undefined;

  write(bytes: Uint8Array | null): void {
    this.#pieces.push(bytes);
    this.#wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    for (;;) {
      const piece = this.#pieces.shift();
      if (piece === null) return;
      if (piece === undefined) await new Promise<void>((resolve) => (this.#wake = resolve));
      else yield piece;
    }
  }
}

interface Held {
  readonly place: string;
  readonly pipe: Pipe;
  readonly hours: Hours;
  readonly path: Promise<string>;
  readonly end: Promise<LeaseEnd>;
  readonly said: string[];
}

function hold(
  context: TestContext,
  change: Partial<LeaseRequest> = {},
  ports: Partial<HoldPorts["files"]> = {},
  place = temporaryDirectory(context, "/dev/shm"),
): Held {
  const pipe = new Pipe();
  const hours = new Hours();
  const said: string[] = [];
  const request = {
    v: 1,
    seconds: 3600,
    silence: null,
    mode: "0400",
    secrets: [{ name: "one", size: 5 }],
    ...change,
  };
  pipe.write(formatLine(request as LeaseRequest));
  pipe.write(utf8("fi\0v"));
  pipe.write(utf8("e"));
  let answered: (path: string) => void = () => undefined;
  const path = new Promise<string>((resolve) => (answered = resolve));
  const privateDirectory = async (): Promise<string> => {
    const directory = join(place, `nixseal-${readdirSync(place).length}`);
    mkdirSync(directory, { mode: 0o700 });
    return directory;
  };
  const end = holdLease(
    { files: { ...files, privateDirectory, ...ports }, clock: hours },
    pipe,
    async (line) => answered(parseAnswer(line.subarray(0, -1)).lease),
    (text) => void said.push(text),
  );
  end.catch(() => answered(""));
  return { place, pipe, hours, path, end, said };
}

test("values are there until the pipe is closed", async (context) => {
  const { place, pipe, path, end } = hold(context);
  const lease = await path;
  assert.equal(readFileSync(join(lease, "one"), "latin1"), "fi\0ve");
  assert.equal(statSync(join(lease, "one")).mode & 0o777, 0o400);
  assert.equal(statSync(lease).mode & 0o777, 0o700);
  pipe.write(null);
  assert.equal(await end, "closed");
  assert.deepEqual(readdirSync(place), []);
});

test("values go when the time is up, and when nothing is heard from the other machine", async (context) => {
  const over = hold(context, { silence: 60 });
  await over.path;
  over.pipe.write(utf8("\n"));
  over.hours.passOften(context, 3600_000);
  assert.equal(await over.end, "over");
  assert.deepEqual(readdirSync(over.place), []);
  const silent = hold(context, { silence: 60 });
  await silent.path;
  silent.hours.passOften(context, 60_000);
  assert.equal(await silent.end, "silent");
  assert.deepEqual(readdirSync(silent.place), []);
});

test("nothing stays of a request that ends half-way, stalls, or does not fit into the memory", async (context) => {
  const cut = hold(context, {
    secrets: [
      { name: "one", size: 5 },
      { name: "two", size: 5 },
    ],
  });
  cut.pipe.write(null);
  await assert.rejects(cut.end, (error) => error instanceof NixsealError && error.code === "malformed");
  assert.deepEqual(readdirSync(cut.place), []);

  const stalled = hold(context, { secrets: [{ name: "one", size: 50 }] });
  while (readdirSync(stalled.place).length === 0) await new Promise((resolve) => setImmediate(resolve));
  stalled.hours.passOften(context, 120_000);
  await assert.rejects(stalled.end, (error) => error instanceof NixsealError && error.code === "timeout");
  assert.deepEqual(readdirSync(stalled.place), []);

  const full = hold(
    context,
    {},
    {
      create: async (path) => {
        writeFileSync(path, "fi");
        throw new NixsealError("io", "no space left on the device");
      },
    },
  );
  await assert.rejects(full.end, /no space left/);
  assert.deepEqual(readdirSync(full.place), []);
});

test("an abandoned lease is removed by the next; one that is held, another's and what looks like one are not", async (context) => {
  const first = hold(context);
  const { place } = first;
  await first.path;
  const make = (name: string, mode = 0o700): string => {
    const path = join(place, name);
    mkdirSync(path, { mode: 0o700 });
    writeFileSync(join(path, "value"), "secret");
    writeFileSync(join(path, ".held"), "");
    chmodSync(path, mode);
    return path;
  };
  const abandoned = make("nixseal-abandoned");
  const kept = [make("nixseal-open", 0o755), make("something-else"), join(place, "nixseal-link")];
  const outside = join(temporaryDirectory(context, "/dev/shm"), "lease");
  mkdirSync(outside, { mode: 0o700 });
  writeFileSync(join(outside, "value"), "x");
  writeFileSync(join(outside, ".held"), "");
  symlinkSync(outside, join(place, "nixseal-link"));
  const marked = join(place, "nixseal-marked");
  mkdirSync(marked, { mode: 0o700 });
  writeFileSync(join(marked, ".held"), "");
  const second = hold(context, {}, {}, place);
  await second.path;
  assert.deepEqual(second.said, []);
  assert.equal(existsSync(abandoned), false);
  for (const path of [...kept, join(outside, "value"), marked]) assert.ok(existsSync(path), basename(path));
  assert.equal(readFileSync(join(await first.path, "one"), "latin1"), "fi\0ve");
  for (const { pipe, end } of [first, second]) {
    pipe.write(null);
    await end;
  }
});
