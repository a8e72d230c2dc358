/**
 * `YYYYMMDD`, `YYYYMMDDHHMM` or `YYYYMMDDHHMMSS`, as ssh-keygen(1) has them in allowed_signers files: UTC with a
 * `Z` behind, the machine's time zone without. Null for anything else, also for days that no calendar has (OpenSSH
 * makes 1 March of 29 February 2023) and for times before 1970 (which it takes for the far future).
 *
 * Without a `Z` this is the time on the wall, as the manual says. OpenSSH reads it as standard time in summer too,
 * an hour later where clocks are put forward; only times with a `Z` mean the same to everyone.
 */
export function parseTimestamp(text: string): Date | null {
  const match = /^(\d{4})(\d\d)(\d\d)(?:(\d\d)(\d\d)(\d\d)?)?(Z?)$/.exec(text);
  if (match === null) return null;
  const [year, month, day, hour, minute, second] = match
    .slice(1, 7)
    .map((digits) => Number(digits ?? 0)) as Fields;
  const utc = new Date(Date.UTC(year, month - 1, day, hour, minute, second));
  const written = [year, month, day, hour, minute, second].join();
  const exists = [
    utc.getUTCFullYear(),
    utc.getUTCMonth() + 1,
    utc.getUTCDate(),
    utc.getUTCHours(),
    utc.getUTCMinutes(),
    utc.getUTCSeconds(),
  ].join();
  if (written !== exists) return null;
  const time = match[7] === "Z" ? utc : new Date(year, month - 1, day, hour, minute, second);
  return time.getTime() > 0 ? time : null;
}

type Fields = [number, number, number, number, number, number];
