import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { encodePublicKey } from "@sluice/crypto/keys"
import { nativeCrypto as c } from "@sluice/crypto/native"
import { utf8 } from "@sluice/encoding/bytes"
import type { Server } from "@sluice/encoding/server-address"
import { processFigures } from "@sluice/load/process-figures"
import type { NtfStore } from "@sluice/notifications/store/ntf-store"
import { openLmdbStore } from "@sluice/queue-store/lmdb/lmdb-store"
import { ApnsStandIn } from "../../packages/push/test/apns-stand-in.ts"
import { LaunchedRelay } from "../relay/launch.ts"
import { LaunchedNotifications } from "./launch.ts"

export interface Resubscription {
  readonly how: string
  readonly seconds: number
  /** Most resident memory of the notification server's process. */
  readonly peakMiB: number
  readonly oneByOne: number
}

export interface ResubscriptionOptions {
  readonly count: number
  readonly settings: Readonly<Record<string, unknown>>
  /** Opens the store that the settings name, in the folder of the server, to fill it. */
  readonly open: (folder: string) => Promise<NtfStore>
}

/** Subscriptions of one token. */
const TOGETHER = 500
const keys = c.generateKeyPair("ed25519")

/** Fills relay and store, and measures how long a server that starts needs until everything is subscribed. */
export async function resubscription(options: ResubscriptionOptions): Promise<readonly Resubscription[]> {
  await using stack = new AsyncDisposableStack()
  const folder = await mkdtemp(join(tmpdir(), "sluice-bench-ntf-"))
  stack.defer(() => rm(folder, { recursive: true, force: true }))
  const stand = await new ApnsStandIn().start()
  stack.defer(() => stand[Symbol.asyncDispose]())
  const apns = { ...stand.credentials, origin: stand.origin, ca: stand.ca }
  const relayFolder = join(folder, "relay")
  const ids = Array.from({ length: options.count }, () => c.randomBytes(24))
  await fillRelay(join(relayFolder, "store"), ids)
  const relay = stack.use(await LaunchedRelay.start({ folder: relayFolder }))
  const { hosts, port, keyHash } = relay.address
  const store = await options.open(folder)
  for (let at = 0; at < ids.length; at += TOGETHER) {
    await fillStore(store, { hosts, port, keyHash }, ids.slice(at, at + TOGETHER), at)
  }
  await store.close()

  const results: Resubscription[] = []
  for (const [how, service] of [
    ["one by one", false],
    ["one by one, to be associated", true],
    ["as a service", true],
  ] as const) {
    const settings = { ...options.settings, "notifications.service": service }
    await using server = await LaunchedNotifications.start(folder, settings, apns)
    const { ms, active } = await server.up
    results.push({
      ...{ how, seconds: ms / 1000, oneByOne: active },
      peakMiB: processFigures(server.pid).rssPeak / 2 ** 20,
    })
  }
  return results
}

async function fillRelay(folder: string, ids: readonly Uint8Array[]): Promise<void> {
  const key = encodePublicKey(keys.publicKey)
  await using store = await openLmdbStore({ folder })
  for (let at = 0; at < ids.length; at += TOGETHER) {
    await store.importQueues(
      ids.slice(at, at + TOGETHER).map((notifierId) => ({
        queue: {
          ...{ recipientId: c.randomBytes(24), senderId: c.randomBytes(24), recipientKeys: [key] },
          ...{ rcvDhSecret: c.randomBytes(32), queueMode: "messaging", status: { tag: "active" }, updatedAt: 0 },
          notifier: { notifierId, key, dhSecret: c.sha256(utf8("secret")) },
        },
      })),
    )
  }
}

async function fillStore(store: NtfStore, server: Server, ids: readonly Uint8Array[], from: number): Promise<void> {
  const tokenId = c.randomBytes(24)
  const code = c.randomBytes(32)
  const token = utf8(from.toString(16).padStart(64, "0"))
  await store.createToken({
    ...{ tokenId, device: { provider: "AP", token }, status: { type: "REGISTERED" }, code },
    ...{ verifyKey: keys.publicKey, dhKey: c.generateKeyPair("x25519").privateKey, secret: c.randomBytes(32) },
    ...{ cronMinutes: 0, cronSentAt: 0, seenDay: 0 },
  })
  await store.activateToken(tokenId, code)
  await store.finishPush({ tokenId, kind: "verification" }, 1)
  const limits = { subscriptions: TOGETHER, relays: 1 }
  await Promise.all(
    ids.map((notifierId) =>
      store.createSubscription(
        { subscriptionId: c.randomBytes(24), tokenId, server, notifierId, notifierKey: keys.privateKey },
        limits,
      ),
    ),
  )
}
