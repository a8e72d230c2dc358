import type { Expression, Position } from "./ast.ts";
import type { AttributeTable } from "./attribute-table.ts";
import { beyondLimit, fault } from "./faults.ts";
import { Lexer } from "./lexer.ts";
import type { Token, TokenKind } from "./tokens.ts";

/**
 * Levels of nesting. None of 7,000 files of real repositories has 60; a level takes up to 2 KB of stack, and Node's default of
 * 984 KB must hold the caller too.
 */
export const deepestNesting = 256;

/** The place in the token stream that all parts of the parser share, and the way from one part to the whole grammar. */
export class Cursor {
  readonly lexer: Lexer;
  token: Token;
  /** The attribute set that was read last. A binding that has it as its value takes over its table. */
  completed: { readonly set: Expression; readonly table: AttributeTable } | undefined;
  readonly #expression: (cursor: Cursor) => Expression;
  readonly #ahead: Token[] = [];
  #nesting = 0;

  constructor(source: string, expression: (cursor: Cursor) => Expression) {
    this.lexer = new Lexer(source);
    this.#expression = expression;
    this.token = this.lexer.next();
  }

  advance(): void {
    this.token = this.#ahead.shift() ?? this.lexer.next();
  }

  /**
   * The token that comes `distance` after the current one. Never look past an opening quote, a path or a brace that
   * closes an interpolation: what follows these is not made of tokens.
   */
  peek(distance: number): Token {
    while (this.#ahead.length < distance) this.#ahead.push(this.lexer.next());
    return this.#ahead[distance - 1]!;
  }

  /** Steps over the token if it is of this kind. */
  accept(kind: TokenKind): boolean {
    if (this.token.kind !== kind) return false;
    this.advance();
    return true;
  }

  textOf(token: Token): string {
    return this.lexer.source.slice(token.at.offset, token.end);
  }

  /** Steps over a token of this kind. `where` tells the person what it would have closed or begun. */
  expect(kind: TokenKind, where: string): void {
    if (this.token.kind !== kind) throw this.unexpected(`'${kind}' ${where}`);
    this.advance();
  }

  unexpected(expected: string): Error {
    return fault(`unexpected ${this.#describe(this.token)}, expected ${expected}`, this.token.at);
  }

  /** An expression one level deeper. */
  expression(): Expression {
    this.enter();
    const expression = this.#expression(this);
    this.leave();
    return expression;
  }

  enter(): void {
    if (++this.#nesting > deepestNesting)
      throw beyondLimit(
        `nested deeper than ${deepestNesting} levels`,
        this.token.at,
        "split the expression with let … in",
      );
  }

  leave(): void {
    this.#nesting--;
  }

  /**
   * `${ expression }` inside a string, path or attribute name; `offset` is that of the dollar sign. Leaves the lexer
   * behind the closing brace, without a token read from there.
   */
  interpolation(at: Position): Expression {
    this.lexer.moveTo(at.offset + 2);
    this.advance();
    const expression = this.expression();
    if (this.token.kind !== "}") throw this.unexpected("'}' at the end of the interpolation");
    return expression;
  }

  #describe(token: Token): string {
    if (token.kind === "end") return "end of file";
    if (token.kind === "''") return "\"''\"";
    const text = this.textOf(token);
    return text.length > 40 ? `'${text.slice(0, 40)}…'` : `'${text}'`;
  }
}
