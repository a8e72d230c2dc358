/** The channel table: where a revision of nixpkgs stands, so that a flake.lock alone says whether a fix is in. */
import { NixsealError } from "../../core/errors.ts";
import { Field } from "../../nix/json-fields.ts";
import { utf8Text } from "../../core/bytes.ts";

export interface ChannelRevision {
  readonly channel: string;
  /** 40 hex digits. */
  readonly revision: string;
  /** Rises with every advance of the channel. */
  readonly ordinal: number;
}

const limits = { bytes: 64 << 20, revisions: 500_000 };

/** `{"nixos-26.05": ["<oldest revision>", …, "<newest>"]}`. */
export function parseChannelTable(bytes: Uint8Array): ChannelRevision[] {
  if (bytes.length > limits.bytes)
    throw new NixsealError("limit", `a channel table has at most ${limits.bytes} bytes`);
  const rows = Field.parse(utf8Text(bytes, "channel table"), "channel table")
    .entries()
    .flatMap(([channel, list]) =>
      list.items().map((item, ordinal) => ({ channel, revision: item.parsed(revision), ordinal })),
    );
  if (rows.length > limits.revisions)
    throw new NixsealError("limit", `a channel table has at most ${limits.revisions} revisions`);
  return rows;
}

export function revision(text: string): string {
  if (/^[0-9a-f]{40}$/.test(text)) return text;
  throw new NixsealError("malformed", "expected a revision of 40 hex digits");
}
