import { style } from "./html-style.ts";
import { escaped } from "./markup.ts";

/**
 * One page that needs nothing else: no script, no font, no picture, no network (the policy in its head forbids all). `title` is
 * text; `head` and `body` are markup.
 */
export function htmlPage(title: string, head: string, body: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
${head}<title>${escaped(title)}</title>
<style>${style}</style>
</head>
<body><main>
${body}
</main></body>
</html>
`;
}
