/** Advisories as many and as varied as the world's, the same for the same seed: for benchmarks and tests of size. */
import {
  emptyAdvisory,
  type Advisory,
  type AffectedProduct,
  type VersionRange,
} from "../../src/audit/advisories/advisory.ts";

export interface FeedSize {
  readonly advisories: number;
  /** On average; few products have most of them, as in life. */
  readonly rangesEach: number;
  readonly seed: number;
}

const words = [
  "buffer overflow",
  "use after free",
  "path traversal",
  "cross-site scripting",
  "out-of-bounds read",
  "integer overflow",
];
const famous = ["openssl", "curl", "firefox", "glibc", "git", "nginx", "python", "sudo", "vim", "zlib"];

/** mulberry32: small, fast, and the same everywhere. */
export function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

export function* generatedAdvisories({ advisories, rangesEach, seed }: FeedSize): Generator<Advisory> {
  const random = generator(seed);
  const below = (limit: number): number => Math.floor(random() * limit);
  for (let number = 0; number < advisories; number++) {
    const year = 1999 + below(28);
    const product = productName(random);
    const word = words[below(words.length)]!;
    const count = 1 + below(rangesEach * 2 - 1);
    const ranges = Array.from({ length: count }, (): VersionRange => {
      // A branch of releases, as records list them: most versions are in none.
      const [major, minor] = [below(20), below(30)];
      const from = random() < 0.2 ? null : `${major}.${minor}.${below(60)}`;
      const to =
        from === null ? `${below(3)}.${minor}.${below(60)}` : `${major}.${minor + below(3)}.${below(60)}`;
      return {
        status: "affected",
        type: "custom",
        from,
        fromExclusive: false,
        to,
        end: random() < 0.7 ? "before" : "through",
      };
    });
    const affected: AffectedProduct = {
      kind: "product",
      source: "nvd",
      reason: "",
      target: random() < 0.1 ? "wordpress" : "",
      ...product,
      ranges,
    };
    yield {
      ...emptyAdvisory,
      id: `CVE-${year}-${String(number).padStart(6, "0")}`,
      published: `${year}-${String(1 + below(12)).padStart(2, "0")}-01T00:00:00Z`,
      summary: `${word} in ${product.name} allows remote attackers to execute code (${number})`,
      score: below(101) / 10,
      epss: below(10_000) / 10_000,
      exploited: random() < 0.005 ? `${year}-12-01` : null,
      affected: [affected],
    };
  }
}

/** The kernel has a tenth of all, famous programs some hundreds each, the rest is spread thinly. */
function productName(random: () => number): { readonly name: string; readonly vendor: string } {
  const draw = random();
  if (draw < 0.05) return { name: "linux-kernel", vendor: "linux" };
  if (draw < 0.1) {
    const name = famous[Math.floor(random() * famous.length)]!;
    return { name, vendor: name };
  }
  const number = Math.floor(random() ** 2 * 120_000);
  return {
    name: `product${number}`,
    vendor: random() < 0.5 ? `product${number}` : `vendor-${number % 30_000}`,
  };
}

/** A closure with this many paths: the kernel, famous programs, packages that advisories know, and many that none does. */
export function generatedClosure(paths: number, seed: number): string[] {
  const random = generator(seed);
  const below = (limit: number): number => Math.floor(random() * limit);
  const digits = "0123456789abcdfghijklmnpqrsvwxyz";
  const digest = (): string => Array.from({ length: 32 }, () => digits[below(32)]).join("");
  return Array.from({ length: paths }, (_, number) => {
    const version = `${below(20)}.${below(30)}.${below(60)}`;
    if (number === 0) return `/nix/store/${digest()}-linux-6.6.8`;
    if (number <= famous.length) return `/nix/store/${digest()}-${famous[number - 1]}-${version}`;
    const draw = random();
    if (draw < 0.3) return `/nix/store/${digest()}-unit-service-${number}.service`;
    const name = draw < 0.6 ? `product${below(120_000)}` : `library${number}`;
    const output = ["", "-lib", "-bin", "-man"][below(4)];
    return `/nix/store/${digest()}-${name}-${version}${output}`;
  });
}
