import type { Random } from "../core/ports.ts";

/** What a worker thread can do, by name; see `Workers.map`. Imported when it is asked for. */
export const tasks: Readonly<Record<string, (random: Random) => Promise<(job: never) => Promise<unknown>>>> =
  {
    seal: async (random) => {
      const [{ sealer }, { parseRecipient }] = await Promise.all([
        import("../secrets/store/seal.ts"),
        import("../secrets/age/parse-recipient.ts"),
      ]);
      return sealer((text) => parseRecipient(text, { random }), random);
    },
  };
