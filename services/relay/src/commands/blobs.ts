import { dhBoxKey } from "@sluice/crypto/box"
import { encodePublicKey, publicKey } from "@sluice/crypto/keys"
import { BLOB_ID_LENGTH, blobIdOf, sealBlobAnswer } from "@sluice/smp-protocol/blob-answer"
import type { BlobCommand } from "@sluice/smp-protocol/commands/blob"
import { commandError } from "@sluice/smp-protocol/errors"
import type { RelayBlobs } from "../blobs.ts"
import type { Client } from "../client.ts"
import { type RelayContext, seconds } from "../context.ts"
import { type Answer, AUTH, failed, OK, type Request } from "../request.ts"

/** Where blobs are off, their commands are not even decoded; this is the same answer. */
const UNKNOWN: Answer = failed(commandError("UNKNOWN"))
const QUOTA: Answer = failed({ type: "QUOTA" })

/** `WRT`, `CLR`, `READ` (docs/blob-links.md). */
export function blobCommand(
  relay: RelayContext,
  client: Client,
  request: Request<BlobCommand["tag"]>,
): Answer | Promise<Answer> {
  const { blobs } = relay
  if (blobs === undefined) return UNKNOWN
  const { command, entityId, corrId, blobKey } = request
  if (entityId.length !== BLOB_ID_LENGTH) return AUTH
  switch (command.tag) {
    case "WRT": {
      const blob = { key: encodePublicKey(command.key), writtenAt: seconds(relay.clock), data: command.blob }
      return write(blobs, entityId, blob)
    }
    case "CLR":
      return clear(blobs, entityId, blobKey)
    case "READ":
      return read(relay, blobs, client, { readerKey: entityId, corrId })
    default:
      return command satisfies never
  }
}

async function write(
  blobs: RelayBlobs,
  id: Uint8Array,
  blob: Parameters<RelayBlobs["store"]["writeBlob"]>[1],
): Promise<Answer> {
  const outcome = await blobs.store.writeBlob(id, blob, { limit: blobs.maxCount })
  if (!outcome.ok && outcome.refusal === "full") blobs.figures.refused++
  if (!outcome.ok) return outcome.refusal === "full" ? QUOTA : AUTH
  blobs.figures.written++
  blobs.figures.stored = await blobs.store.countBlobs()
  return OK
}

/** The key of the blob authorized this already; the store looks at it again, as somebody else may have come first. */
async function clear(blobs: RelayBlobs, id: Uint8Array, key: Uint8Array | undefined): Promise<Answer> {
  if (key === undefined || !(await blobs.store.clearBlob(id, key))) return AUTH
  blobs.figures.stored = await blobs.store.countBlobs()
  return OK
}

async function read(
  relay: RelayContext,
  { store, figures }: RelayBlobs,
  client: Client,
  { readerKey, corrId }: { readonly readerKey: Uint8Array; readonly corrId: Uint8Array },
): Promise<Answer> {
  const { crypto } = relay
  // Agreed before the blob is looked for: what a key without a blob costs does not depend on the key.
  const key = dhBoxKey(crypto, client.connection.verifier.sessionKey, publicKey("x25519", readerKey))
  const blob = await store.readBlob(blobIdOf(crypto, readerKey))
  if (key === undefined || blob === undefined) return AUTH
  figures.read++
  return { message: { tag: "BLOB", box: sealBlobAnswer(crypto, key, corrId, blob.data) } }
}
