import { NixsealError } from "../../core/errors.ts";
import type { Channel } from "./channel.ts";
import { versionText } from "./serve-protocol.ts";
import { WireMessage } from "./wire-message.ts";
import {
  workerClientMagic,
  workerError,
  workerMessages,
  workerNewest,
  workerOldest,
  workerReadable,
  workerServerMagic,
} from "./worker-protocol.ts";
import type { WireReader } from "./wire-reader.ts";

/** The client is not trusted (`TrustedFlag`, since 1.35): it then asks for nothing that only root may have. */
const notTrusted = 2;
const maxFeatures = 100;
const maxFeature = 100;

/** The server's part of the greeting. Returns the version that both speak. */
export async function greetClient(channel: Channel, software: string): Promise<number> {
  const { reader } = channel;
  if ((await reader.integer("the client's magic")) !== workerClientMagic)
    throw new NixsealError("malformed", "this is not a client of nix-daemon");
  await channel.send(new WireMessage().integer(workerServerMagic).integer(workerNewest));
  const asked = await reader.integer("the client's version");
  if (asked >> 8 !== workerNewest >> 8 || asked < workerReadable) throw tooOld(asked);
  const version = Math.min(asked, workerNewest);
  if (version >= 0x126) {
    await readFeatures(reader);
    await channel.send(new WireMessage().strings([])); // none of the features so far changes an upload
  }
  if (version >= 0x10e && (await reader.boolean("the CPU affinity"))) await reader.integer("a CPU");
  await reader.boolean("'reserve space'");
  const greeting = new WireMessage();
  if (version >= 0x121) greeting.string(software);
  if (version >= 0x123) greeting.integer(notTrusted);
  if (version < workerOldest) {
    const error = tooOld(version);
    await channel.sendBytes(
      Buffer.concat([greeting.bytes, workerError(version, `${error.message}; ${error.hint}`).bytes]),
    );
    throw error;
  }
  await channel.send(greeting.integer(workerMessages.last));
  return version;
}

/** The client's part. Returns the version that both speak; what the server says to it is read by the caller. */
export async function greetServer(channel: Channel): Promise<number> {
  const { reader } = channel;
  await channel.send(new WireMessage().integer(workerClientMagic).integer(workerNewest));
  if ((await reader.integer("the server's magic")) !== workerServerMagic)
    throw new NixsealError("malformed", "the other side is not nix-daemon", {
      hint: "does the remote shell print something when it starts?",
    });
  const version = Math.min(await reader.integer("the server's version"), workerNewest);
  if (version < workerOldest)
    throw new NixsealError("refused", `the server speaks worker protocol ${versionText(version)}`, {
      hint: "the host needs Nix 2.8 or newer",
    });
  if (version >= 0x126) {
    await channel.send(new WireMessage().strings([]));
    await readFeatures(reader);
  }
  await channel.send(new WireMessage().integer(0).integer(0));
  await reader.string(1000, "the server's version of Nix");
  if (version >= 0x123) await reader.integer("whether the server trusts us");
  return version;
}

/** Since 1.38. Nothing of them is used. */
async function readFeatures(reader: WireReader): Promise<void> {
  const count = await reader.count(maxFeatures, "features");
  for (let n = 0; n < count; n++) await reader.string(maxFeature, "a feature");
}

function tooOld(version: number): NixsealError {
  return new NixsealError("refused", `the client speaks worker protocol ${versionText(version)}`, {
    hint: `versions ${versionText(workerOldest)} and later are spoken: use Nix 2.8 or newer`,
  });
}
