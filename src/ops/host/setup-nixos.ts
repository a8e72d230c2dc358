/** The options of the NixOS module that make the same host. */
import { utf8 } from "../../core/bytes.ts";
import { parsePullConfig } from "../../delivery/pull-config.ts";
import type { HostSetup, PullSetup } from "../../gate/setup/host-files.ts";

/** A NixOS module. What is as by default is left out. */
export function nixosSnippet(setup: HostSetup): string {
  const { host, mode, user, privilege, confirmWithin, health, authorities, hostKey, connections } = setup;
  const lines = ["gate.enable = true;"];
  const option = (name: string, value: string, isDefault: boolean): void => {
    if (!isDefault) lines.push(`gate.${name} = ${value};`);
  };
  option("mode", text(mode), mode === "warrants");
  option("user", text(user), user === "deploy");
  option("members", list(setup.members.map(({ name }) => text(name))), false);
  option("loginAuthorities", list(authorities.map(text)), authorities.length === 0);
  option("privilege", text(privilege), privilege === "socket");
  option("connections", String(connections), connections === 16);
  option("confirmWithin", String(confirmWithin), confirmWithin === 90);
  option("health", list(health.map((words) => list(words.map(text)))), health.length === 0);
  if (setup.pull !== null) lines.push(...pullLines(setup.pull));
  option("hostKey", text(hostKey), hostKey === "/etc/ssh/ssh_host_ed25519_key");
  return `{
  imports = [ nixseal.nixosModules.default ];
  networking.hostName = ${text(host)};
  services.openssh.enable = true;
  nixseal = {
    fleet = ./.; # the directory of fleet.toml
    ${lines.join("\n    ")}
  };
}
`;
}

function pullLines({ config }: PullSetup): string[] {
  const { source, cache, report } = parsePullConfig(utf8(config));
  const lines = ["pull.enable = true;"];
  if (source.kind === "git") {
    const { url, branch, introduction } = source;
    const names = Object.entries({ url, branch, introduction });
    lines.push(...names.map(([name, value]) => `pull.repository.${name} = ${text(value)};`));
  } else lines.push(`pull.source = ${text(source.kind === "web" ? source.url : source.path)};`);
  if (cache !== null) lines.push(`pull.cache = ${text(cache)};`);
  if (report !== null) lines.push(`pull.report = ${text(report)};`);
  return lines;
}

/** A string of Nix: what could end it or begin an interpolation is escaped. */
function text(value: string): string {
  return `"${value.replaceAll(/["\\]|\$(?=\{)/g, "\\$&")}"`;
}

function list(values: readonly string[]): string {
  return values.length === 0 ? "[ ]" : `[ ${values.join(" ")} ]`;
}
