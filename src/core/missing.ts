import { NixsealError } from "./errors.ts";

/** Null in place of the error `not-found`. */
export async function unlessMissing<T>(work: () => Promise<T>): Promise<T | null> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof NixsealError && error.code === "not-found") return null;
    throw error;
  }
}
