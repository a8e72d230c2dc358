const profile = "/nix/var/nix/profiles/system";
const script = (variables: string): string => `/bin/sh -c 'exec env -i PATH="\${PATH-}" ${variables}"$@"' sh`;
const variables = 'LOCALE_ARCHIVE="${LOCALE_ARCHIVE-}" NIXOS_NO_CHECK="${NIXOS_NO_CHECK-}" ';

/** What nixos-rebuild sends after it has copied, in its order; the last one switches. */
export const rebuilds: readonly (readonly [string, (system: string) => readonly string[]])[] = [
  [
    "nixos-rebuild",
    (system) => {
      const unit =
        "systemd-run -E LOCALE_ARCHIVE -E NIXOS_INSTALL_BOOTLOADER= --collect --no-ask-password --pipe --quiet --same-dir --service-type=exec --unit=nixos-rebuild-switch-to-configuration --wait";
      return [
        `sudo nix-env -p ${profile} --set ${system}`,
        `sudo ${unit} true`,
        `sudo ${unit} ${system}/bin/switch-to-configuration switch`,
      ];
    },
  ],
  [
    "nixos-rebuild-ng",
    (system) => [
      `${script("")} uname -n`,
      `${script("")} test -f ${system}/nixos-version`,
      `sudo ${script("")} nix-env -p ${profile} --set ${system}`,
      `${script("")} test -d /run/systemd/system`,
      `sudo ${script(`${variables}NIXOS_INSTALL_BOOTLOADER=0 `)} systemd-run -E LOCALE_ARCHIVE -E NIXOS_INSTALL_BOOTLOADER -E NIXOS_NO_CHECK --collect --wait --no-ask-password --pipe --quiet --service-type=exec --unit=nixos-rebuild-switch-to-configuration-9767bc07 ${system}/bin/switch-to-configuration switch`,
    ],
  ],
];
