import { NixsealError } from "../../core/errors.ts";
import { defaultStoreDirectory, parseStorePath, type StorePath } from "../store-path.ts";
import { commandWords } from "./command-words.ts";

export type SwitchAction = "switch" | "boot" | "test" | "dry-activate";

/** A system as `nixos-rebuild` names it: by its path, or as the profile or a generation of it after a rollback. */
export type SystemName =
  | { readonly type: "path"; readonly path: StorePath }
  | { readonly type: "profile" }
  | { readonly type: "generation"; readonly number: number };

/** What a stock client asks for in `SSH_ORIGINAL_COMMAND`. Nothing of the text is ever executed. */
export type RemoteCommand =
  /** `nix copy --to ssh://`, `nix-copy-closure --to` */
  | { readonly verb: "serve" }
  /** `nix copy --to ssh-ng://` */
  | { readonly verb: "daemon" }
  | { readonly verb: "hostname" }
  /** Whether switching can run in a unit of its own. */
  | { readonly verb: "has-systemd" }
  /** Whether the system is whole, or has that specialisation. */
  | { readonly verb: "has-system"; readonly system: SystemName; readonly specialisation: string | null }
  | { readonly verb: "set-profile"; readonly path: StorePath }
  | { readonly verb: "rollback" }
  | { readonly verb: "list-generations" }
  | {
      readonly verb: "switch";
      readonly system: SystemName;
      readonly specialisation: string | null;
      readonly action: SwitchAction;
      readonly installBootloader: boolean;
    };

export interface RemoteRequest {
  readonly command: RemoteCommand;
  /** `--ask-sudo-password`: the first line of stdin is a password, to be thrown away. */
  readonly passwordFirst: boolean;
}

const profile = "/nix/var/nix/profiles/system";
const actions: readonly string[] = ["switch", "boot", "test", "dry-activate"] satisfies SwitchAction[];

/**
 * Reads the command that sshd hands to a forced command. Known are exactly what Nix 2.8 to 2.35 and
 * `nixos-rebuild --target-host [--sudo]` (the shell script and -ng) send; `sudo`, `env` and `systemd-run` around
 * the last are read away, since what they would do is for the receiver to decide. Throws `refused` for all else:
 * options such as `--store` too, with which a client would choose another store.
 */
export function parseRemoteCommand(
  line: string,
  storeDirectory: string = defaultStoreDirectory,
): RemoteRequest {
  const words = new Words(commandWords(line));
  if (words.take("nix-store", "--serve", "--write")) return words.end({ verb: "serve" });
  if (words.take("nix-daemon", "--stdio")) return words.end({ verb: "daemon" });
  const sudo = words.take("sudo");
  const passwordFirst = sudo && words.take("--prompt=", "--stdin");
  const environment = readEnvironment(words);
  const unit = readUnit(words);
  const installBootloader = [environment, unit].some((set) => set?.has("NIXOS_INSTALL_BOOTLOADER=1"));
  if (unit !== null && words.take("true")) return words.end({ verb: "has-systemd" }, passwordFirst);
  const script = readScript(words, storeDirectory);
  if (script !== null) {
    const action = words.next();
    if (!isAction(action)) throw unknown();
    return words.end({ verb: "switch", ...script, action, installBootloader }, passwordFirst);
  }
  if (unit !== null) throw unknown();
  return words.end(readQuestion(words, storeDirectory), passwordFirst);
}

function readQuestion(words: Words, storeDirectory: string): RemoteCommand {
  if (words.take("nix-env", "-p", profile, "--set"))
    return { verb: "set-profile", path: storePath(words.next(), storeDirectory) };
  if (words.take("nix-env", "--rollback", "-p", profile)) return { verb: "rollback" };
  if (words.take("nix-env", "-p", profile, "--list-generations")) return { verb: "list-generations" };
  if (words.take("cat", "/proc/sys/kernel/hostname") || words.take("uname", "-n"))
    return { verb: "hostname" };
  if (words.take("test", "-d", "/run/systemd/system")) return { verb: "has-systemd" };
  if (!words.take("test", "-f")) throw unknown();
  const script = readScript(words, storeDirectory);
  if (script !== null) return { verb: "has-system", ...script };
  const file = /^(.+)\/nixos-version$/.exec(words.next());
  const system = file === null ? null : systemName(file[1]!, storeDirectory);
  if (system === null) throw unknown();
  return { verb: "has-system", system, specialisation: null };
}

/** `SYSTEM[/specialisation/NAME]/bin/switch-to-configuration`; null, and nothing read, for another word. */
function readScript(
  words: Words,
  storeDirectory: string,
): { readonly system: SystemName; readonly specialisation: string | null } | null {
  const match =
    /^(.+?)(?:\/specialisation\/([A-Za-z0-9_+=-][A-Za-z0-9._+=-]{0,99}))?\/bin\/switch-to-configuration$/.exec(
      words.peek(),
    );
  const system = match === null ? null : systemName(match[1]!, storeDirectory);
  if (match === null || system === null) return null;
  words.next();
  return { system, specialisation: match[2] ?? null };
}

function systemName(text: string, storeDirectory: string): SystemName | null {
  if (text === profile) return { type: "profile" };
  const generation = /^\/nix\/var\/nix\/profiles\/system-([1-9][0-9]{0,8})-link$/.exec(text);
  if (generation !== null) return { type: "generation", number: Number(generation[1]) };
  return text.startsWith(`${storeDirectory}/`)
    ? { type: "path", path: storePath(text, storeDirectory) }
    : null;
}

/** `env [-i] NAME=VALUE…`, or the same in the one `sh -c` script that -ng makes. */
function readEnvironment(words: Words): ReadonlySet<string> {
  if (words.take("/bin/sh", "-c")) {
    const script = /^exec env -i ((?:\S+ )+)"\$@"$/.exec(words.next());
    if (script === null || !words.take("sh")) throw unknown();
    // In double quotes there, since a shell splits it; without them on a command line.
    const assigned = script[1]!
      .trimEnd()
      .replace(/="(\$\{[A-Z_]+-\})"(?= |$)/g, "=$1")
      .split(" ");
    if (!assigned.every(isAssignment)) throw unknown();
    return new Set(assigned);
  }
  const assigned = new Set<string>();
  if (!words.take("env")) return assigned;
  words.take("-i");
  while (isAssignment(words.peek())) assigned.add(words.next());
  return assigned;
}

function isAssignment(word: string): boolean {
  return (
    /^(PATH|LOCALE_ARCHIVE|NIXOS_NO_CHECK)=\$\{\1-\}$/.test(word) ||
    /^NIXOS_INSTALL_BOOTLOADER=[01]?$/.test(word) ||
    /^LOCALE_ARCHIVE=[A-Za-z0-9+./_-]*$/.test(word)
  );
}

/** The `systemd-run` that both put before the switch, with what it sets; null when there is none. */
function readUnit(words: Words): ReadonlySet<string> | null {
  if (!words.take("systemd-run")) return null;
  const set = new Set<string>();
  for (;;) {
    if (words.take("-E")) {
      const variable = words.next();
      if (!/^(?:LOCALE_ARCHIVE|NIXOS_NO_CHECK|NIXOS_INSTALL_BOOTLOADER(?:=[01]?)?)$/.test(variable))
        throw unknown();
      set.add(variable);
    } else if (/^--unit=nixos-rebuild-switch-to-configuration(?:-[0-9a-f]{1,32})?$/.test(words.peek()))
      words.next();
    else if (unitOptions.has(words.peek())) words.next();
    else return set;
  }
}

const unitOptions: ReadonlySet<string> = new Set([
  "--collect",
  "--no-ask-password",
  "--pipe",
  "--pty",
  "--quiet",
  "--same-dir",
  "--service-type=exec",
  "--wait",
]);

/** The words of one command, read from the left. */
class Words {
  #rest: readonly string[];

  constructor(words: readonly string[]) {
    this.#rest = words;
  }

  /** The next word, or the empty string, which is none. */
  peek(): string {
    return this.#rest[0] ?? "";
  }

  next(): string {
    const word = this.peek();
    this.#rest = this.#rest.slice(1);
    return word;
  }

  /** Whether these words are next; then they are read. */
  take(...expected: readonly string[]): boolean {
    if (!expected.every((word, i) => this.#rest[i] === word)) return false;
    this.#rest = this.#rest.slice(expected.length);
    return true;
  }

  /** Nothing may follow. */
  end(command: RemoteCommand, passwordFirst = false): RemoteRequest {
    if (this.#rest.length > 0) throw unknown();
    return { command, passwordFirst };
  }
}

function isAction(word: string): word is SwitchAction {
  return actions.includes(word);
}

function storePath(text: string, storeDirectory: string): StorePath {
  try {
    return parseStorePath(text, storeDirectory);
  } catch (cause) {
    throw new NixsealError("refused", "the command names something that is not a store path", { cause });
  }
}

function unknown(): NixsealError {
  return new NixsealError("refused", "this command is not one that the deploy user may give", {
    hint: "nix copy --to, nix-copy-closure --to and nixos-rebuild --target-host [--sudo] are understood",
  });
}
