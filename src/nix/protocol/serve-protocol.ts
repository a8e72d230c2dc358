/** First words of both sides of `nix-store --serve` (`serve-protocol.hh` of Nix). */
export const serveClientMagic = 0x390c9deb;
export const serveServerMagic = 0x5452eecb;

/** Versions are major × 256 + minor. 2.7 is Nix 2.4 to 2.34, 2.8 is newer: nothing that is spoken here differs. */
export const serveOldest = 0x207;
export const serveNewest = 0x208;

export const serveCommands = {
  queryValidPaths: 1,
  queryPathInfos: 2,
  dumpStorePath: 3,
  importPaths: 4,
  exportPaths: 5,
  buildPaths: 6,
  queryClosure: 7,
  buildDerivation: 8,
  addToStoreNar: 9,
} as const;

/** `BuildResult::Status::MiscFailure`. */
export const miscFailure = 9;

export function versionText(version: number): string {
  return `${version >> 8}.${version & 0xff}`;
}
