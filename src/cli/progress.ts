import type { Emit, Event } from "../core/events.ts";
import type { Clock } from "../core/ports.ts";
import type { Paint } from "../ops/op.ts";
import { visible, visibleJson } from "./paint.ts";

export interface EventSink {
  readonly emit: Emit;
  /** Takes a live line away before other text is written. */
  clear(): void;
}

interface Output {
  write(text: string): void;
  readonly terminal: boolean;
}

const redrawEvery = 100; // milliseconds

/** `--events`: each event as a line of JSON. */
export function eventLines(output: Output): EventSink {
  return { emit: (event) => output.write(`${visibleJson(event)}\n`), clear: () => undefined };
}

/** For people: warnings and steps as lines, progress as one live line with an estimate, on a terminal only. */
export function liveProgress(output: Output, paint: Paint, clock: Pick<Clock, "now">): EventSink {
  let drawn = false;
  let task = "";
  let began = 0;
  let last = 0;

  const clear = (): void => {
    if (drawn) output.write("\r\u001b[K");
    drawn = false;
  };
  const draw = (event: Extract<Event, { type: "progress" }>): void => {
    const now = clock.now().getTime();
    if (event.task !== task) [task, began, last] = [event.task, now, 0];
    if (now - last < redrawEvery) return;
    last = now;
    clear();
    output.write(progressLine(event, now - began));
    drawn = true;
  };
  const emit: Emit = (event) => {
    if (event.type === "progress") {
      if (output.terminal) draw(event);
      return;
    }
    clear();
    if (event.type === "step") output.write(`${visible(event.message)}\n`);
    else {
      output.write(`${paint.bad("warning:")} ${visible(event.message)}\n`);
      if (event.hint !== undefined) output.write(`  hint: ${visible(event.hint)}\n`);
    }
  };
  return { emit, clear };
}

function progressLine(event: Extract<Event, { type: "progress" }>, elapsed: number): string {
  const percent = event.total === 0 ? 100 : Math.floor((100 * event.done) / event.total);
  const left =
    event.done === 0 ? undefined : Math.ceil((elapsed * (event.total - event.done)) / event.done / 1000);
  const estimate = left === undefined || elapsed < 1000 ? "" : `, about ${left} s left`;
  return `${event.task}: ${event.done}/${event.total} ${event.unit} (${percent} %${estimate})`;
}
