import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { delimiter, join } from "node:path";
import { after, before, suite, test } from "node:test";
import { top } from "../console.ts";
import { failedUnit, secretsUnit, secretsUnits, usersUnit } from "../e2e/secrets-units.ts";
import { StockNix } from "../support/stock-nix.ts";

interface Unit {
  readonly after: string[];
  readonly before: string[];
  readonly wants: string[];
  readonly wantedBy: string[];
  readonly requiredBy: string[];
  readonly unitConfig: Record<string, unknown>;
  readonly serviceConfig: Record<string, unknown>;
  readonly restartIfChanged: boolean;
  readonly overrideStrategy: string;
}

interface Evaluated {
  readonly warnings: string[];
  readonly failed: string[];
  readonly services: Record<string, Unit>;
  readonly scripts: Record<string, { deps: string[]; text: string; supportsDryActivation: boolean }>;
  readonly secrets: Record<string, { path: string; owner: string; restart: string[]; stage: string }>;
  readonly manifest: string;
  readonly script: string;
}

type Variants = Record<"plain" | "userborn" | "sysusers", Evaluated> &
  Record<"unknownHost" | "noIdentity" | "storeIdentity" | "usersOwner" | "lateIdentity", string[]> &
  Record<"earlyIdentity" | "volatileRoot" | "noSshd" | "unknownOwner", string[]> &
  Record<"badMode" | "badName" | "badIdentity" | "setPath", boolean> & {
    readonly disabled: Record<string, Unit>;
  };

const nix = new StockNix();
after(() => nix.remove());

const fromNixPath = (process.env["NIX_PATH"] ?? "")
  .split(delimiter)
  .flatMap((entry) => (entry === "" ? [] : ["-I", entry]));
const has = (path: string): boolean =>
  nix.try("nix-instantiate", [...fromNixPath, "--find-file", path]).status === 0;

test("every file of Nix is one", () => {
  const files = [join(top, "flake.nix")];
  for (const room of ["nix", "test/nix"])
    for (const path of readdirSync(join(top, room), { recursive: true, encoding: "utf8" }))
      if (path.endsWith(".nix")) files.push(join(top, room, path));
  assert.ok(files.length > 15);
  nix.run("nix-instantiate", ["--parse", ...files]);
});

const restrictions: readonly (readonly [file: string, units: readonly string[]])[] = [
  ["hardening.nix", [secretsUnit, usersUnit]],
  ["hardening-verify.nix", [failedUnit]],
];

test("the hosts of the end-to-end tests run units with the same restrictions", () => {
  const units = secretsUnits("/manifest.json");
  for (const [file, names] of restrictions) {
    const args = ["--eval", "--strict", "--json", join(top, "nix/module", file)];
    const hardening = nix.json("nix-instantiate", ...args) as Record<string, unknown>;
    for (const name of names)
      for (const [setting, value] of Object.entries(hardening)) {
        const text = [value]
          .flat()
          .join(" ")
          .replace(/^true$/, "(?:true|yes)");
        assert.match(units[name]!, new RegExp(`^${setting}=${text}$`, "m"), name);
      }
  }
});

if (has("nixpkgs/lib/default.nix")) suite("module evaluation with nixpkgs' lib", evaluation);
else test("module evaluation: nixpkgs is not on NIX_PATH, only parsed and its options compared", () => {});

function evaluation(): void {
  let found: Variants;
  before(() => {
    const expression = `import ${join(top, "test/nix/evaluate.nix")} { lib = import <nixpkgs/lib>; top = ${join(top, ".")}/.; }`;
    const args = [...fromNixPath, "--eval", "--strict", "--json", "--expr", expression];
    found = nix.json("nix-instantiate", ...args) as Variants;
  });

  test("the example has no complaint, and fleet.toml's secrets are there", () => {
    assert.deepEqual([found.plain.failed, found.plain.warnings], [[], []]);
    assert.deepEqual(Object.keys(found.plain.secrets), ["alice-password", "grafana-admin", "wifi"]);
    assert.equal(found.plain.secrets["grafana-admin"]!.owner, "grafana");
    assert.deepEqual(found.plain.secrets["grafana-admin"]!.restart, ["grafana.service"]);
    assert.equal(found.plain.secrets["wifi"]!.path, "/run/nixseal/secrets/wifi");
    assert.match(found.plain.manifest, /"name":"wifi".*"version":1\}$/);
  });

  test("at boot: before everything else, after the file systems with the identities", () => {
    const unit = found.plain.services["nixseal-secrets"]!;
    assert.ok(unit.wantedBy.includes("sysinit.target") && unit.before.includes("sysinit.target"));
    assert.ok(unit.after.includes("local-fs.target"));
    assert.deepEqual(unit.unitConfig["RequiresMountsFor"], ['"/etc/ssh/ssh_host_ed25519_key"']);
    assert.equal(unit.unitConfig["DefaultDependencies"], false);
    assert.match(
      String(unit.serviceConfig["ExecStart"]),
      /nixseal-agent secrets install --manifest \S+ --stage default$/,
    );
    assert.deepEqual([unit.requiredBy, unit.restartIfChanged], [[], false]);
    for (const namespace of ["ProtectSystem", "PrivateTmp", "PrivateMounts", "ProtectHome"])
      assert.ok(!(namespace in unit.serviceConfig), `${namespace} would hide the mount`);
  });

  test("on a switch: users before, the rest after the users of the activation script", () => {
    const { scripts } = found.plain;
    assert.deepEqual(scripts["users"]!.deps, ["nixseal-users"]);
    assert.match(scripts["nixseal-users"]!.text, /--stage users/);
    assert.deepEqual(scripts["nixseal"]!.deps, ["specialfs", "users", "groups"]);
    for (const name of ["nixseal", "nixseal-users"])
      assert.ok(scripts[name]!.supportsDryActivation, `${name} in a dry run`);
    assert.equal(found.plain.services["nixseal-secrets-users"], undefined);
  });

  for (const kind of ["userborn", "sysusers"] as const)
    test(`${kind}: units install, also on a switch`, () => {
      const { services, scripts } = found[kind];
      const early = services["nixseal-secrets-users"]!;
      const late = services["nixseal-secrets"]!;
      for (const unit of ["userborn.service", "systemd-sysusers.service"]) {
        assert.ok(early.before.includes(unit));
        assert.ok(late.after.includes(unit));
      }
      assert.ok(!early.after.includes("local-fs.target"), "users are made before local-fs.target");
      for (const unit of [early, late]) {
        assert.deepEqual(unit.requiredBy, ["sysinit-reactivation.target"]);
        assert.ok(unit.before.includes("sysinit-reactivation.target") && unit.restartIfChanged);
      }
      assert.equal(scripts["users"], undefined, "userborn refuses a users script");
      assert.match(scripts["nixseal"]!.text, /= dry-activate \]/);
    });

  test("units that use a secret are ordered, and get their credential", () => {
    const { services } = found.plain;
    const grafana = services["grafana"]!;
    assert.deepEqual(
      [grafana.after, grafana.wants],
      [["nixseal-secrets.service"], ["nixseal-secrets.service"]],
    );
    assert.deepEqual(grafana.serviceConfig["LoadCredential"], ["admin:/run/nixseal/secrets/grafana-admin"]);
    assert.equal(grafana.overrideStrategy, "asDropinIfExists");
    assert.equal(services["backup@home"]!.overrideStrategy, "asDropin");
  });

  test("only this host's own ciphertexts get into the closure, and the build checks them", () => {
    const copies = [...found.plain.script.matchAll(/^cp (\S+) "\$out\/secrets\/(\S+)"$/gm)];
    assert.deepEqual(
      copies.map(([, , name]) => name),
      ["alice-password.age", "grafana-admin.age", "wifi.age"],
    );
    for (const [, source] of copies) assert.ok(source!.startsWith(nix.storeDirectory), source);
    assert.match(found.plain.script, /nixseal-agent secrets check --manifest/);
  });

  test("what cannot work is refused, what probably does not is told", () => {
    assert.match(found.unknownHost.join("\n"), /no host 'luftaa'/);
    assert.match(found.noIdentity.join("\n"), /no identity to decrypt with/);
    assert.match(found.storeIdentity.join("\n"), /in the Nix store/);
    assert.match(found.usersOwner.join("\n"), /'alice-password' is of stage users/);
    assert.match(found.lateIdentity.join("\n"), /neededForBoot = true/);
    assert.deepEqual(found.earlyIdentity, []);
    assert.match(found.volatileRoot.join("\n"), /gone after a reboot/);
    assert.match(found.noSshd.join("\n"), /does not make that key/);
    assert.match(found.unknownOwner.join("\n"), /'wpa', which the configuration does not declare/);
    const { badMode, badName, badIdentity, setPath } = found;
    assert.deepEqual([badMode, badName, badIdentity, setPath], [false, false, false, false]);
    assert.deepEqual(found.disabled, {});
  });
}
