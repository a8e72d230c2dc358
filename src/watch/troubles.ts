import { NixsealError, type ErrorCode } from "../core/errors.ts";
import { printable } from "../audit/printable.ts";
import { noticeLimits } from "./notices.ts";

export interface Problem {
  /** Which part of the work it is about. */
  readonly part: string;
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint: string | null;
}

/** What goes wrong in one part is told, and the others go on. */
export class Troubles {
  readonly list: Problem[] = [];

  add(part: string, code: ErrorCode, message: string, hint: string | null): void {
    const shown = hint === null ? null : printable(hint, noticeLimits.text);
    this.list.push({ part, code, message: printable(message, noticeLimits.text), hint: shown });
  }

  /** Null when it failed. What is no `NixsealError` is a bug of ours and goes through. */
  async survive<T>(part: string, work: () => Promise<T>): Promise<T | null> {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof NixsealError)) throw error;
      const { code, message, hint, where } = error;
      const file = where?.file === undefined ? "" : `${where.file}: `;
      this.add(part, code, `${part}: ${file}${message}`, hint ?? null);
      return null;
    }
  }
}
