const width = 16;

/**
 * Does work for each item, a few at a time, and gives the results in the order of the items. When one fails, those
 * under way end first, so that nobody still writes where the caller tidies up; then the first error is thrown.
 */
export async function inBatches<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  for (let start = 0; start < items.length; start += width) {
    const batch = await Promise.allSettled(items.slice(start, start + width).map((item) => work(item)));
    for (const outcome of batch) {
      if (outcome.status === "rejected") throw outcome.reason;
      results.push(outcome.value);
    }
  }
  return results;
}
