import fc from "fast-check";

/** A fleet as files: the path below its directory, and the text. */
export type FleetFiles = Readonly<Record<string, string>>;

export interface GeneratedFleet {
  readonly files: FleetFiles;
  readonly hosts: readonly string[];
}

const key = "AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f";
const hostKeys = [
  `ssh-ed25519 ${key}`,
  `ssh-ed25519 ${key} root@somewhere over there`,
  "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBLkP+pzmltYkzl17oZe9cRk5VQ/wq9CykI258Dxiq77yEFymiwhu+MFQqA92AI68zibEhd5195rDM5cG0UWELnI=",
];
const hostNames = ["lufta", "web1", "web2", "web10", "db.a", "db.b", "A_b-c", "0", "w".repeat(64)];
const secretNames = ["a", "B", "grafana-admin", "db.password", "x_1", "Z9", "0.0", "s".repeat(64)];
const tags = ["web", "prod", "db", "Web", "10"];

const oneOf = <T>(...values: readonly T[]): fc.Arbitrary<T> => fc.constantFrom(...values);
const few = <T>(one: fc.Arbitrary<T>): fc.Arbitrary<T[]> => fc.array(one, { maxLength: 3 });

/** Mostly what is right, now and then what is not. */
function mostly<T>(right: fc.Arbitrary<T>, ...wrong: readonly unknown[]): fc.Arbitrary<unknown> {
  return fc.oneof({ weight: 250, arbitrary: right }, { weight: 1, arbitrary: fc.constantFrom(...wrong) });
}

const path = mostly(
  oneOf(
    "/var/lib/x",
    "/var/lib/ü 漢字",
    "/etc/secrets/a.b",
    "/run/nixseals",
    "/run/\u{1f511}",
    '/a"b\\c',
    "/x/$HOME",
  ),
  "/run/nixseal/secrets/other",
  "/nix/store/x",
  "relative",
  "/a/../b",
  "/a//b",
  "/a/",
  "/",
  "/a\u0001b",
  "/a\u0085b",
  7,
);
const unit = mostly(
  oneOf("grafana.service", "x@1.service", "a\\x2db.service", "s.socket", "t.timer", "m.mount"),
  "-x.service",
  "x",
  "x y.service",
  1,
);
const account = mostly(
  oneOf("root", "grafana", "_x", "samba$", "0", "1000"),
  "4294967295",
  "01",
  "a b",
  "",
  0,
);

/** Selectors over these names; some match nothing. */
const selectorEntry = fc
  .tuple(
    fc.boolean(),
    mostly(
      fc.oneof(
        oneOf(...hostNames.slice(0, 5)),
        oneOf(...tags.slice(0, 3)).map((tag) => `tag:${tag}`),
        oneOf("*", "web*", "w?b1", "*b*", "??b*", "db.?", "*1*", "**a", "*.*", "?"),
      ),
      "nobody",
      "tag:nobody",
      "group:web",
      "a b",
      "!!web1",
      "",
      "tag:w*",
      3,
    ),
    fc.nat(3),
  )
  .map(([, body, sign]) => (sign === 0 && typeof body === "string" ? `!${body}` : body));

const host = fc.record(
  {
    host_keys: fc.array(mostly(oneOf(...hostKeys), "no=key", "", "a\nb", 1), {
      minLength: 1,
      maxLength: 3,
    }),
    identities: fc.array(path, { minLength: 1, maxLength: 2 }),
    tags: mostly(few(oneOf(...tags)), ["a b"], "web", [1]),
    port: fc.constant(22),
    principal: fc.constant("web.example.org"),
    recipients: fc.constant(["age15phngjzu48s5tq7u272hw2t2awcu9ystwkqr5f4p5gj7jhjdeerqnz7z03"]),
  },
  { requiredKeys: ["host_keys", "tags"] },
);

const secret = fc.record(
  {
    hosts: mostly(fc.array(selectorEntry, { maxLength: 3 }), "lufta", { a: 1 }),
    owner: account,
    group: account,
    mode: mostly(oneOf("0400", "0440", "0755", "0644"), "0666", "400", "4400", "0408", 400),
    path,
    restart: mostly(few(unit), "grafana.service"),
    reload: few(unit),
    stage: mostly(oneOf("default", "users"), "boot", true),
    credential: mostly(
      fc.record({ unit: oneOf("grafana.service", "x@1.service"), name: oneOf("admin", "a.b:c") }),
      { unit: "grafana.service" },
      { unit: "s.socket", name: "x" },
      { unit: "a.service", name: "/" },
      "grafana",
      { unit: "a.service", name: "n", more: 1 },
    ),
    together: mostly(oneOf("tls", "a.b"), "a b", ""),
    max_age: fc.constant("90d"),
    generator: fc.constant({ kind: "password", length: 32 }),
  },
  { requiredKeys: ["hosts"] },
);

type Table = Readonly<Record<string, unknown>>;
const entries = (names: readonly string[], one: fc.Arbitrary<Table>): fc.Arbitrary<[string, Table][]> =>
  fc.uniqueArray(fc.tuple(oneOf(...names), one), { selector: ([name]) => name, minLength: 1, maxLength: 6 });

/** A fleet whose entries are spread over fleet.toml and what it includes. Mostly a sound one. */
export const generatedFleet: fc.Arbitrary<GeneratedFleet> = fc
  .record({
    hosts: entries(hostNames, host as fc.Arbitrary<Table>),
    secrets: entries(secretNames, secret as fc.Arbitrary<Table>),
    places: fc.array(oneOf("fleet.toml", "fleet.toml", "hosts/a.toml", "hosts/b.toml", "more/deep/x.toml"), {
      minLength: 12,
      maxLength: 12,
    }),
    twice: fc.integer({ min: 0, max: 30 }),
    typo: fc.integer({ min: 0, max: 30 }),
  })
  .map(({ hosts, secrets, places, twice, typo }) => {
    const include = 'include = ["hosts/*.toml", "more/?eep/x.toml", "none/*.toml"]\n';
    const files: Record<string, string> = {
      "fleet.toml": `${include}[fleet]\nname = "test"\nhost_ca = ["${hostKeys[0]}"]\n`,
    };
    const put = (file: string, text: string): void => void (files[file] = `${files[file] ?? ""}${text}`);
    hosts.forEach(([name, table], index) => put(places[index]!, entryText("hosts", name, table)));
    secrets.forEach(([name, table], index) => put(places[6 + index]!, entryText("secrets", name, table)));
    if (twice === 0) put("hosts/z.toml", entryText("hosts", hosts[0]![0], hosts[0]![1]));
    if (typo === 0) put(places[5 + secrets.length]!, 'onwer = "root"\n');
    put("hosts/.#a.toml", "this is what an editor leaves");
    for (const [name] of secrets) files[`secrets/${name}.age`] = `ciphertext of ${name}`;
    return { files, hosts: hosts.map(([name]) => name) };
  });

function entryText(kind: string, name: string, table: Table): string {
  const lines = Object.entries(table).map(([field, value]) => `${field} = ${toml(value)}\n`);
  return `[${kind}."${name}"]\n${lines.join("")}`;
}

/** JSON's escapes are TOML's too. */
function toml(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(toml).join(", ")}]`;
  if (typeof value === "object" && value !== null)
    return `{ ${Object.entries(value)
      .map(([name, one]) => `${name} = ${toml(one)}`)
      .join(", ")} }`;
  return JSON.stringify(value);
}
