/** `node --import` of this: writes what the process itself used, without its children, to the file that a variable names. */
import { writeFileSync } from "node:fs";

process.on("exit", () => {
  const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
  const usage = { seconds: (userCPUTime + systemCPUTime) / 1e6, megabytes: maxRSS / 1000 };
  writeFileSync(process.env["NIXSEAL_BENCH_USAGE"]!, JSON.stringify(usage));
});
