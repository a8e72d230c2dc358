/** What `nixos-rebuild --target-host` asks beside uploading: answered from what warrants allow. */
import { join } from "node:path";
import { NixsealError } from "../../core/errors.ts";
import { exitCodes, type ExitCode } from "../../core/exit.ts";
import type { Files } from "../../core/file-ports.ts";
import type { RemoteCommand, SystemName } from "../../nix/protocol/remote-command.ts";
import type { StorePath } from "../../nix/store-path.ts";
import type { WarrantEnvelope } from "../../trust/warrant/envelope.ts";
import { placeOf, type GatePaths } from "../paths.ts";
import type { WarrantedPaths } from "../warranted.ts";

export type RebuildCommand = Exclude<RemoteCommand, { readonly verb: "serve" | "daemon" }>;

export interface RebuildParts {
  readonly files: Pick<Files, "status">;
  readonly paths: Pick<GatePaths, "store">;
  /** Null for stage 0. */
  readonly warranted: WarrantedPaths | null;
  readonly hostname: string;
  readonly out: (text: string) => Promise<void>;
  readonly say: (text: string) => void;
  /** Activates the system of this warrant. */
  readonly activate: (
    envelope: WarrantEnvelope,
    action: Extract<RebuildCommand, { readonly verb: "switch" }>["action"],
  ) => Promise<void>;
}

/** Throws `refused`, naming the way, for what a stock client may ask and no warrant orders. */
export async function answerRebuild(parts: RebuildParts, command: RebuildCommand): Promise<ExitCode> {
  switch (command.verb) {
    case "hostname":
      await parts.out(`${parts.hostname}\n`);
      return exitCodes.done;
    case "has-systemd":
      return exitCodes.done;
    case "has-system":
      return hasSystem(parts, pathOf(command.system), command.specialisation);
    case "set-profile": {
      const { warrant } = warrantFor(parts, command.path);
      // Set by the gate itself: last, and to the path that it has activated. A stock client asks for it first.
      parts.say(`warrant ${warrant.seq} orders this system: the profile is set when it has been activated\n`);
      return exitCodes.done;
    }
    case "switch": {
      const envelope = warrantFor(parts, pathOf(command.system));
      if (command.specialisation !== null)
        throw refused("a warrant orders a system, not one of its specialisations", {
          hint: "switch to the specialisation at the console, or make it the system",
        });
      if (command.installBootloader)
        throw refused("no warrant orders that the boot loader is installed anew", {
          hint: "leave out --install-bootloader, and do it at the console",
        });
      await parts.activate(envelope, command.action);
      return exitCodes.done;
    }
    case "rollback":
    case "list-generations":
      throw rollback();
    default:
      return command satisfies never;
  }
}

async function hasSystem(
  { files, paths, say }: RebuildParts,
  path: StorePath,
  specialisation: string | null,
): Promise<ExitCode> {
  const inside =
    specialisation === null
      ? "nixos-version"
      : join("specialisation", specialisation, "bin/switch-to-configuration");
  if ((await files.status(join(placeOf(paths, path), inside))) !== null) return exitCodes.done;
  say(
    `${path} is not in the store, or is no NixOS system; without a warrant it may wait in the quarantine\n`,
  );
  return exitCodes.findings; // as test(1)
}

function warrantFor({ warranted }: RebuildParts, path: StorePath): WarrantEnvelope {
  if (warranted === null)
    throw refused("this gate takes uploads and activates nothing (mode 'certificates')", {
      hint: 'activate with an account that may, or set nixseal.gate.mode = "warrants"',
    });
  const envelope = warranted.forToplevel(path);
  if (envelope !== null) return envelope;
  throw refused(`no warrant orders ${path}`, {
    hint: "nixseal warrant create HOST --toplevel PATH, have it signed, and send it: ssh USER@HOST nixseal-gate offer",
  });
}

function pathOf(system: SystemName): StorePath {
  if (system.type === "path") return system.path;
  throw rollback();
}

function rollback(): NixsealError {
  return refused("going back to an earlier system needs a warrant too", {
    hint: "have the earlier one ordered again: nixseal warrant create HOST --toplevel PATH",
  });
}

function refused(message: string, details: { readonly hint: string }): NixsealError {
  return new NixsealError("refused", message, details);
}
