/** What is used of the validator that OASIS points to; it has no types of its own. */
declare module "@secvisogram/csaf-validator-lib/validate.js" {
  interface Outcome {
    readonly isValid: boolean;
    readonly tests: readonly {
      readonly name: string;
      readonly isValid: boolean;
      readonly errors: readonly { readonly message: string; readonly instancePath: string }[];
    }[];
  }
  type Test = (document: unknown) => unknown;
  export default function validate(tests: readonly Test[], document: unknown): Promise<Outcome>;
}

declare module "@secvisogram/csaf-validator-lib/schemaTests.js" {
  export const csaf_2_0: (document: unknown) => unknown;
}

declare module "@secvisogram/csaf-validator-lib/mandatoryTests.js" {
  const tests: Readonly<Record<string, (document: unknown) => unknown>>;
  export = tests;
}
