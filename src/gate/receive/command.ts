/** What a connection asks for: the commands of stock clients, and the operator's own. */
import { NixsealError } from "../../core/errors.ts";
import { parseRemoteCommand, type RemoteCommand } from "../../nix/protocol/remote-command.ts";

/** Messages that an operator sends to the root side. */
export const orderKinds = ["offer", "activate", "confirm", "revert", "reboot", "secrets", "status"] as const;
export type OrderKind = (typeof orderKinds)[number];

export type ReceiveCommand =
  | RemoteCommand
  /** `nixseal-gate [KIND]`: one message of that kind on stdin (any kind where none is named), answers on stdout. */
  | { readonly verb: "order"; readonly kind: OrderKind | null }
  /** `nixseal-gate present`: a member certificate on stdin. */
  | { readonly verb: "present" };

export interface ReceiveRequest {
  readonly command: ReceiveCommand;
  /** The first line of stdin is a password for sudo, to be thrown away. */
  readonly passwordFirst: boolean;
}

/** `line` is `SSH_ORIGINAL_COMMAND`; undefined when a shell was asked for. Throws `refused`. */
export function parseReceiveCommand(line: string | undefined, storeDirectory: string): ReceiveRequest {
  if (line === undefined || line === "")
    throw new NixsealError("refused", "this account has no shell: it takes uploads and orders", {
      hint: "nix copy --to ssh-ng://USER@HOST, nixos-rebuild --target-host USER@HOST, or ssh USER@HOST nixseal-gate status",
    });
  if (line !== "nixseal-gate" && !line.startsWith("nixseal-gate "))
    return parseRemoteCommand(line, storeDirectory);
  const word = line === "nixseal-gate" ? null : line.slice("nixseal-gate ".length);
  if (word === "present") return { command: { verb: "present" }, passwordFirst: false };
  const kind = word === null ? null : orderKinds.find((one) => one === word);
  if (kind === undefined)
    throw new NixsealError("refused", "nixseal-gate takes one word, or none", {
      hint: `it is one of ${[...orderKinds, "present"].join(", ")}`,
    });
  return { command: { verb: "order", kind }, passwordFirst: false };
}
