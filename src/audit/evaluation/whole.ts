/** Checks of the whole that the source can only guess at, since modules from elsewhere set what they ask for. */
import { textsOf, type Value } from "../configuration/value.ts";

export interface HostQuestion {
  /** The check of the whole that it answers. */
  readonly check: string;
  readonly options: readonly string[];
  /** Whether the host is as it should be; null when its values do not tell. Options that it does not have are undefined. */
  readonly isFine: (value: (option: string) => Value | undefined) => boolean | null;
}

const [lanzaboote, limine, apparmor, luks, device, fileSystem] = [
  "boot.lanzaboote.enable",
  "boot.loader.limine.secureBoot.enable",
  "security.apparmor.enable",
  "boot.initrd.luks.devices",
  "fileSystems./.device",
  "fileSystems./.fsType",
] as const;
const bootLoaders = ["boot.loader.systemd-boot.enable", "boot.loader.grub.enable"];

export const hostQuestions: readonly HostQuestion[] = [
  {
    check: "HST015",
    options: [luks, device, fileSystem],
    isFine: (value) => {
      const devices = value(luks);
      if (devices?.kind === "set" && devices.entries.size > 0) return true;
      const root = [value(device), value(fileSystem)].flatMap((one) =>
        one === undefined ? [] : textsOf(one),
      );
      // Without a file system of its own it is a container or an image: what is below is encrypted or not.
      if (root.length === 0 || devices?.kind === "unknown") return null;
      return /mapper|crypt|zfs|tmpfs|bcachefs/.test(root.join(" "));
    },
  },
  {
    check: "HST016",
    options: [lanzaboote, limine, ...bootLoaders],
    isFine: (value) => {
      const secure = anyTrue(value(lanzaboote), value(limine));
      // A container has no boot loader, and a loader that is not known may check what it starts.
      return secure === false && anyTrue(...bootLoaders.map(value)) !== true ? null : secure;
    },
  },
  {
    check: "HST017",
    options: [apparmor],
    isFine: (value) => (value(apparmor) === undefined ? null : anyTrue(value(apparmor))),
  },
];

function anyTrue(...values: readonly (Value | undefined)[]): boolean | null {
  if (values.some((value) => value?.kind === "bool" && value.value)) return true;
  return values.some((value) => value?.kind === "unknown") ? null : false;
}
