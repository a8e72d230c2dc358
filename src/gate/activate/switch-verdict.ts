/** What an exit code of `switch-to-configuration` says. Pure. */

export type SwitchVerdict =
  | { readonly kind: "done" }
  /** it has done nothing: only a boot can bring this system up */
  | { readonly kind: "needs-boot"; readonly reason: string }
  /** it runs, but not all of its units do */
  | { readonly kind: "units"; readonly reason: string }
  | { readonly kind: "failed"; readonly reason: string };

/**
 * 0 done; 2 the activation script failed; 4 units did not start; 100 a reboot is needed. Others are those of timeout(1), which bounds it,
 * and of signals. `words` is what was run.
 */
export function switchVerdict(words: string, code: number, seconds: number): SwitchVerdict {
  switch (code) {
    case 0:
      return { kind: "done" };
    case 100:
      return {
        kind: "needs-boot",
        reason: `${words}: this system needs a boot of its own: order it with the action boot`,
      };
    case 2:
      return failed(`${words}: the activation script failed`);
    case 4:
      return { kind: "units", reason: `${words}: units did not start` };
    case 124:
    case 137:
      return failed(`${words} did not end within ${seconds} s`);
    case 126:
    case 127:
      return failed(`${words} cannot be run`);
    default:
      return failed(`${words} ended with exit code ${code}`);
  }
}

function failed(reason: string): SwitchVerdict {
  return { kind: "failed", reason };
}
