/**
 * Takes differences without meaning out of what `nix-instantiate --parse` prints: the order of attributes and formals (by
 * address in memory) and the pieces that neighbouring text comes in.
 */
type Item = string | Group;

interface Group {
  readonly open: string;
  readonly items: Item[];
}

const closing: ReadonlyMap<string, string> = new Map([
  ["(", ")"],
  ["[", "]"],
  ["{", "}"],
  ['"${', '}"'],
]);

const token = /\s*("\$\{|\}"|"(?:[^"\\]|\\[^])*"|[()[\]{};,]|[^\s()[\]{};,"]+)/gy;

export function canonical(text: string): string {
  const top: Group = { open: "", items: [] };
  const open: Group[] = [top];
  for (const [, found] of text.trimEnd().matchAll(token)) {
    const word = found!;
    const group = open.at(-1)!;
    if (closing.has(word)) {
      const inner: Group = { open: word, items: [] };
      group.items.push(inner);
      open.push(inner);
    } else if (closing.get(group.open) === word && open.length > 1) open.pop();
    else group.items.push(word);
  }
  if (open.length !== 1) throw new Error(`unbalanced: ${text.slice(0, 200)}`);
  return render(top);
}

function render({ open, items }: Group): string {
  const words = joined(items.map((item) => (typeof item === "string" ? item : render(item))));
  const [first] = items;
  if (open === "(" && words.length === 1 && words[0]!.startsWith('"') && !words[0]!.startsWith('"${'))
    return words[0]!;
  if (open === "{") return `{ ${sorted(words, /^[;,]$/).join(" ")} }`;
  if (open === "(" && first === "let") {
    const end = words.lastIndexOf("in");
    return `(let ${sorted(words.slice(1, end), /^;$/).join(" ")} ${words.slice(end).join(" ")} )`;
  }
  return `${open} ${words.join(" ")} ${closing.get(open) ?? ""}`;
}

/** `"a" + "b"` is `"ab"`, and nothing is nothing. */
function joined(words: readonly string[]): string[] {
  const result: string[] = [];
  const isText = (word: string | undefined): boolean =>
    word?.startsWith('"') === true && !word.startsWith('"${');
  for (const word of words) {
    if (isText(word) && result.at(-1) === "+" && isText(result.at(-2))) {
      result.pop();
      result.push(`${result.pop()!.slice(0, -1)}${word.slice(1)}`);
    } else result.push(word);
  }
  return result.filter(
    (word, index) =>
      !(word === '""' && (result[index + 1] === "+" || result[index - 1] === "+")) &&
      !(word === "+" && (result[index + 1] === '""' || result[index - 1] === '""')),
  );
}

function sorted(words: readonly string[], separator: RegExp): string[] {
  const pieces: string[][] = [[]];
  for (const word of words) {
    if (separator.test(word)) pieces.push([]);
    else pieces.at(-1)!.push(word);
  }
  return pieces
    .map((piece) => piece.join(" "))
    .filter((piece) => piece !== "")
    .sort()
    .map((piece) => `${piece} ;`);
}
