// The commands of `sluice link` for links of the network's first design (docs/blob-links.md).

import { compress } from "@sluice/chat/compression"
import { nativeCrypto } from "@sluice/crypto/native"
import type { ServerAddress } from "@sluice/encoding/server-address"
import {
  type BlobLink,
  blobLinkSecrets,
  formatBlobLink,
  openBlobContent,
  sealBlobContent,
} from "@sluice/short-links/blob-link"
import { formatFullLink } from "@sluice/short-links/full-link"
import { encodeProfile } from "@sluice/short-links/profile"
import { clearBlob, readBlob, writeBlob } from "@sluice/smp-client/blob-commands"
import type { SmpConnection } from "@sluice/smp-client/connection"
import { CLIENT_LAYER_RANGE } from "@sluice/smp-protocol/versions"
import { columns, printData, printJson, say } from "../output.ts"
import { withConnection } from "../queue/connection.ts"
import { serverName } from "../server-argument.ts"
import { type BlobState, readBlobState, writeBlobState } from "./blob-state.ts"
import { withLinkData } from "./link-failure.ts"
import { requestOf } from "./new-link.ts"
import { type ProfileOptions, profileOf } from "./profile-options.ts"
import { profileRows, readProfile } from "./profile-rows.ts"
import { withRelay } from "./relay-access.ts"

interface CommonOptions extends ProfileOptions {
  readonly json?: true
  /** Milliseconds. */
  readonly timeout: number
}

/** Creates a queue, writes the blob that leads to it, and prints the link. */
export async function createBlobLink(
  kind: BlobLink["kind"],
  server: ServerAddress,
  options: CommonOptions & { readonly file: string },
): Promise<void> {
  const { file, timeout } = options
  const profile = await profileOf(options)
  await withConnection(server, timeout, async (connection) => {
    const mode = kind === "contact" ? "contact" : "messaging"
    const queue = await connection.createQueue({ mode, subscribe: false })
    try {
      const { hosts, port, keyHash } = server
      const e2eKeys = nativeCrypto.generateKeyPair("x25519")
      const dhKey = e2eKeys.publicKey
      const place = { server: { hosts, port, keyHash }, senderId: queue.senderId, dhKey, mode } as const
      const { request, ratchetKeys } = requestOf(nativeCrypto, kind, { versions: CLIENT_LAYER_RANGE, ...place })
      const state: BlobState = {
        ...{ request, ratchetKeys, profile, e2eKeys, dhSecret: queue.dhSecret },
        ...{ recipientId: queue.recipientId, recipientKey: queue.recipientKey },
        link: { kind, server: place.server, key: nativeCrypto.generateKeyPair("x25519").privateKey },
        ownerKeys: nativeCrypto.generateKeyPair("ed25519"),
      }
      await write(connection, state)
      await writeBlobState(file, state)
      show(state, options)
    } catch (error) {
      // Nobody could ever use it.
      await connection.deleteQueue(queue)
      throw error
    }
  })
}

/** Writes the blob with a changed profile. */
export async function updateBlobLink(file: string, options: CommonOptions): Promise<void> {
  const state = await readBlobState(nativeCrypto, file)
  const changed = { ...state, profile: await profileOf(options, state.profile) }
  await withConnection(state.link.server, options.timeout, (connection) => write(connection, changed))
  await writeBlobState(file, changed)
  if (options.json) show(changed, options)
  else say(`Updated; the link is still ${formatBlobLink(state.link)}`)
}

/** Removes the blob, and its queue unless that is to stay. */
export async function deleteBlobLink(
  file: string,
  { keepQueue, timeout }: { readonly keepQueue?: true; readonly timeout: number },
): Promise<void> {
  const state = await readBlobState(nativeCrypto, file)
  const { readerKey } = blobLinkSecrets(nativeCrypto, state.link.key)
  await withConnection(state.link.server, timeout, async (connection) => {
    await clearBlob(connection, readerKey.raw, state.ownerKeys)
    if (!keepQueue) await connection.deleteQueue(state)
  })
}

/** Reads the blob and shows what is inside. That it leads where it should, nothing proves. */
export async function resolveBlobLink(
  link: BlobLink,
  { json, ...access }: { readonly proxy: ServerAddress | undefined; readonly timeout: number; readonly json: boolean },
): Promise<void> {
  const { readerKey } = blobLinkSecrets(nativeCrypto, link.key)
  const keys = { publicKey: readerKey, privateKey: link.key }
  const blob = await withRelay(link.server, access, (relay) => readBlob(relay, keys))
  const { request, appData } = await withLinkData(() => openBlobContent(nativeCrypto, link, blob))
  const profile = readProfile(appData)
  if (json) {
    printJson({ kind: link.kind, profile, fullLink: formatFullLink(request) })
    return
  }
  const rows: [string, string][] = [
    ...profileRows(profile),
    ["leads to", link.kind === "invitation" ? "one-time invitation" : "contact address"],
    ["server", serverName(request.queues[0].server)],
    ["verified", "that its creator made it; not that it leads to the link's server"],
  ]
  printData(columns(rows))
}

async function write(connection: SmpConnection, { link, request, profile, ownerKeys }: BlobState): Promise<void> {
  const content = { request, appData: encodeProfile(profile, compress) }
  const blob = await withLinkData(() => sealBlobContent(nativeCrypto, link.key, content))
  await writeBlob(connection, blobLinkSecrets(nativeCrypto, link.key).readerKey.raw, ownerKeys, blob)
}

function show({ link, request }: BlobState, { json, file }: { readonly json?: true; readonly file?: string }): void {
  const text = formatBlobLink(link)
  if (json) printJson({ kind: link.kind, link: text, fullLink: formatFullLink(request), file })
  else printData(text)
}
