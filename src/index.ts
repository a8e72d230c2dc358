export { NixsealError, type ErrorCode, type Where } from "./core/errors.ts";
export { exitCodes, exitCodeOf, type ExitCode } from "./core/exit.ts";
