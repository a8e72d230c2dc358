const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/**
 * Runs `clean` when a signal is about to end the program; gives back what calls that off. The signal then
 * does what it does without us: other listeners have their turn, and where there is none the program ends by
 * it.
 */
export function onInterrupt(clean: () => void): () => void {
  const callOff = (): void => {
    for (const signal of signals) process.off(signal, interrupted);
  };
  const interrupted = (signal: NodeJS.Signals): void => {
    callOff();
    try {
      clean();
    } finally {
      if (process.listenerCount(signal) === 0) process.kill(process.pid, signal);
    }
  };
  for (const signal of signals) process.on(signal, interrupted);
  return callOff;
}
