import { dhBoxKey } from "@sluice/crypto/box"
import type { KeyPair } from "@sluice/crypto/keys"
import { blobIdOf, openBlobAnswer } from "@sluice/smp-protocol/blob-answer"
import { ID_LENGTH } from "@sluice/smp-protocol/types"
import { ask } from "./answer.ts"
import { SmpClientError } from "./client-error.ts"
import type { AuthKeyPair, CallOptions } from "./request.ts"
import type { SmpCommands } from "./smp-commands.ts"

/*
 * Blobs on servers that offer them (docs/blob-links.md); all others answer `CMD UNKNOWN`. A blob is read with a key, and
 * written under the hash of that key.
 */

/** `WRT`: makes the blob, or replaces the one that the same `owner` wrote. `blob` has 16048 bytes. */
export async function writeBlob(
  server: SmpCommands,
  readerKey: Uint8Array,
  owner: AuthKeyPair,
  blob: Uint8Array,
  call?: CallOptions,
): Promise<void> {
  const entityId = blobIdOf(server.crypto, readerKey)
  const command = { tag: "WRT", key: owner.publicKey, blob } as const
  await ask(server, { command, entityId, key: owner.privateKey }, call, "OK")
}

/** `CLR`: removes a blob of this owner. */
export async function clearBlob(
  server: SmpCommands,
  readerKey: Uint8Array,
  owner: AuthKeyPair,
  call?: CallOptions,
): Promise<void> {
  const entityId = blobIdOf(server.crypto, readerKey)
  await ask(server, { command: { tag: "CLR" }, entityId, key: owner.privateKey }, call, "OK")
}

/**
 * `READ`, of a connection or of a relay behind a proxy: the blob for this pair of keys, 16048 bytes. Throws
 * `SmpClientError` "NO_SERVER_KEY" where the server gave none, "CRYPTO" for an answer that is not for these keys.
 */
export async function readBlob(server: SmpCommands, keys: KeyPair<"x25519">, call?: CallOptions): Promise<Uint8Array> {
  const c = server.crypto
  const corrId = c.randomBytes(ID_LENGTH)
  const request = { command: { tag: "READ" }, entityId: keys.publicKey.raw, corrId } as const
  const { box } = await ask(server, request, call, "BLOB")
  // Asked for afterwards: a proxy may have had to connect to the relay again for this command.
  const serverKey = await server.serverKey()
  if (serverKey === undefined) throw new SmpClientError({ code: "NO_SERVER_KEY", command: "READ" })
  const boxKey = dhBoxKey(c, keys.privateKey, serverKey)
  const blob = boxKey && openBlobAnswer(c, boxKey, corrId, box)
  if (blob === undefined) throw new SmpClientError({ code: "CRYPTO", command: "READ" })
  return blob
}
