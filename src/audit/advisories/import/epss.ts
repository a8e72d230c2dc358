/** EPSS of FIRST, as its daily CSV: `cve,epss,percentile` after a comment line. */
import { utf8Text } from "../../../core/bytes.ts";
import { NixsealError } from "../../../core/errors.ts";
import { emptyAdvisory, type Advisory } from "../advisory.ts";

const limits = { bytes: 64 << 20, lines: 2 << 20 };

/** Advisories that say no more than this; they are merged with what others say. Throws `malformed` with the line. */
export function parseEpss(bytes: Uint8Array): Advisory[] {
  if (bytes.length > limits.bytes)
    throw new NixsealError("limit", `an EPSS file has at most ${limits.bytes} bytes`);
  const lines = utf8Text(bytes, "EPSS file").split(/\r?\n/);
  if (lines.at(-1) === "") lines.pop();
  if (lines.length > limits.lines)
    throw new NixsealError("limit", `an EPSS file has at most ${limits.lines} lines`);
  const begin = lines[0]?.startsWith("#") === true ? 1 : 0;
  if (lines[begin] !== "cve,epss,percentile") throw fault(begin, "expected the head cve,epss,percentile");
  return lines.slice(begin + 1).map((line, index) => {
    const match =
      /^(CVE-[0-9]{4}-[0-9]{4,10}),([01](?:\.[0-9]{1,12})?(?:e-[0-9]{1,2})?),[01](?:\.[0-9]{1,12})?$/.exec(
        line,
      );
    const epss = Number(match?.[2]);
    if (match === null || epss > 1)
      throw fault(begin + 1 + index, "expected an id and two numbers from 0 to 1");
    return { ...emptyAdvisory, id: match[1]!, epss };
  });
}

function fault(line: number, message: string): NixsealError {
  return new NixsealError("malformed", message, { where: { line: line + 1 } });
}
