/** What tests of reports share: text that is made to break out, and readers of what came. */
export const plain = {
  good: (t: string) => t,
  bad: (t: string) => t,
  weak: (t: string) => t,
  strong: (t: string) => t,
};
export const evil = `<script>alert(1)</script>"'&\u001b[31m\u202e]]>`;

/** The first element that is not closed, or closed in the wrong order. */
export function tagsLeftOpen(markup: string): string {
  const open: string[] = [];
  for (const [, slash, name, self] of markup.matchAll(/<(\/?)([a-z]\w*)(?:\s[^<>]*?)?(\/?)>/g)) {
    if (slash === "/") {
      if (open.pop() !== name) return `</${name}>`;
    } else if (self !== "/") open.push(name!);
  }
  return open.join(" ");
}

export interface Sarif {
  readonly $schema: string;
  readonly version: string;
  readonly runs: readonly {
    readonly tool: {
      readonly driver: {
        readonly rules: readonly {
          id: string;
          helpUri?: string;
          shortDescription: { text: string };
          fullDescription: { text: string };
        }[];
      };
    };
    readonly results: readonly {
      readonly ruleId: string;
      readonly ruleIndex: number;
      readonly level: string;
      readonly kind: string;
      readonly message: { readonly text: string };
      readonly partialFingerprints: Readonly<Record<string, string>>;
      readonly suppressions?: readonly { readonly kind: string }[];
      readonly locations: readonly {
        readonly physicalLocation: {
          readonly artifactLocation: { uri: string; uriBaseId: string };
          readonly region?: { startLine: number };
        };
      }[];
    }[];
  }[];
}
