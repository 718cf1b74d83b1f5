import type { CryptoBackend } from "@sluice/crypto/backend"
import { type AuthKey, decodePrivateKey, encodePrivateKey, encodePublicKey } from "@sluice/crypto/keys"
import { concatBytes, EMPTY } from "@sluice/encoding/bytes"
import { DecodeError } from "@sluice/encoding/errors"
import { type Server, writeServer } from "@sluice/encoding/server-address"
import { encodeWith } from "@sluice/encoding/writer"
import { type DeviceToken, writeDeviceToken } from "@sluice/ntf-protocol/device-token"
import { emptyIdsHash } from "@sluice/smp-protocol/ids-hash"
import type { EntityId } from "@sluice/smp-protocol/types"
import { type Credentials, serviceCredentials } from "@sluice/transport/credentials"
import type {
  PushReference,
  RelayId,
  RelayRecord,
  StoredPushKind,
  SubscriptionRecord,
  TokenRecord,
} from "./ntf-store.ts"
import {
  decodeNumber,
  decodeRelay,
  decodeSubscription,
  decodeToken,
  encodeNumber,
  encodeRelay,
  encodeSubscription,
  encodeToken,
  type StoredRelay,
  type StoredSubscription,
} from "./records-code.ts"
import type { Table, Tables } from "./tables.ts"

/** What every operation works on. Operations check everything first and then write. */
export interface Context {
  readonly tables: Tables
  readonly crypto: CryptoBackend
}

const RELAY_ID_LENGTH = 16
const SEQUENCE = new TextEncoder().encode("sequence")
const KINDS: Readonly<Record<StoredPushKind, Uint8Array>> = {
  verification: Uint8Array.of(0x56),
  message: Uint8Array.of(0x4d),
}

/** The id of a relay: 16 bytes. The same relay with its hosts in another order is another one. */
export function relayIdOf(c: CryptoBackend, server: Server): RelayId {
  return c.sha256(encodeWith((w) => writeServer(w, server))).slice(0, RELAY_ID_LENGTH)
}

/** Beginning of the index of a device token, whichever key it was registered with. */
export function deviceKey({ crypto }: Context, device: DeviceToken): Uint8Array {
  return crypto.sha256(encodeWith((w) => writeDeviceToken(w, device)))
}

/** Index of a device token and key: 64 bytes. */
export function registrationKey(c: Context, device: DeviceToken, verifyKey: AuthKey): Uint8Array {
  return concatBytes(deviceKey(c, device), c.crypto.sha256(encodePublicKey(verifyKey)))
}

/** The entry of an id as it came from a client: of any length, and then possibly no key that a table could have. */
function byId(table: Table, id: Uint8Array): Uint8Array | undefined {
  return id.length === 0 || id.length > 255 ? undefined : table.get(id)
}

export function findToken({ tables }: Context, tokenId: EntityId): TokenRecord | undefined {
  const stored = byId(tables.tokens, tokenId)
  return stored && decodeToken(tokenId.slice(), stored)
}

export function putToken({ tables }: Context, token: TokenRecord): void {
  tables.tokens.put(token.tokenId, encodeToken(token))
}

export function findStored({ tables }: Context, subscriptionId: EntityId): StoredSubscription | undefined {
  const stored = byId(tables.subscriptions, subscriptionId)
  return stored && decodeSubscription(stored)
}

export function putStored({ tables }: Context, subscriptionId: EntityId, subscription: StoredSubscription): void {
  tables.subscriptions.put(subscriptionId, encodeSubscription(subscription))
}

/** The subscription of a notifier of a relay: its id and itself. */
export function findByNotifier(
  c: Context,
  relayId: RelayId,
  notifierId: EntityId,
): { readonly subscriptionId: EntityId; readonly stored: StoredSubscription } | undefined {
  const found = c.tables.notifiers.get(concatBytes(relayId, notifierId))
  if (found === undefined) return undefined
  const subscriptionId = found.slice()
  const stored = findStored(c, subscriptionId)
  return stored && { subscriptionId, stored }
}

export function subscriptionRecord(
  relayId: RelayId,
  relay: StoredRelay,
  subscriptionId: EntityId,
  stored: StoredSubscription,
): SubscriptionRecord {
  const { association, ...rest } = stored
  return { ...rest, subscriptionId, relayId, associated: isAssociated(relay, association) }
}

export function isAssociated({ epoch }: StoredRelay, association: number): boolean {
  return association === epoch
}

export function newRelay(server: Server): StoredRelay {
  return {
    ...{ server, serviceId: undefined, certificate: undefined, epoch: 1, count: 0, hash: emptyIdsHash() },
    ...{ total: 0, up: false },
  }
}

export function findRelay({ tables }: Context, relayId: RelayId): StoredRelay | undefined {
  const stored = tables.relays.get(relayId)
  return stored && decodeRelay(stored)
}

export function putRelay({ tables }: Context, relayId: RelayId, relay: StoredRelay): void {
  tables.relays.put(relayId, encodeRelay(relay))
}

export function relayRecord(c: Pick<Context, "crypto">, relayId: RelayId, relay: StoredRelay): RelayRecord {
  const { server, serviceId, certificate, count, hash, total, up } = relay
  const credentials = certificate && credentialsOf(c.crypto, certificate.der, certificate.key)
  return { relayId, server, serviceId, credentials, counters: { count: BigInt(count), hash }, total, up }
}

/** Certificate and key of a service as they are stored. */
export function storedCredentials({
  chain: [der = EMPTY],
  leafKey,
}: Credentials): NonNullable<StoredRelay["certificate"]> {
  return { der, key: encodePrivateKey(leafKey) }
}

function credentialsOf(c: CryptoBackend, der: Uint8Array, encoded: Uint8Array): Credentials {
  const key = decodePrivateKey(encoded)
  if (key.algorithm !== "ed25519" && key.algorithm !== "ed448") throw new DecodeError("stored record: not a leaf key")
  return serviceCredentials(c, [der], key)
}

/** The next number: numbers order notifications and tell contents of pushes apart. */
export function nextSequence({ tables }: Context): number {
  const next = decodeNumber(tables.numbers.get(SEQUENCE)) + 1
  tables.numbers.put(SEQUENCE, encodeNumber(next))
  return next
}

export function pushKey({ tokenId, kind }: PushReference): Uint8Array {
  return concatBytes(tokenId, KINDS[kind])
}

export function readPushKey(key: Uint8Array): PushReference {
  const kind = key.at(-1) === KINDS.verification[0] ? "verification" : "message"
  return { tokenId: key.slice(0, -1), kind }
}

/** Notes that something is to be pushed; gives the number of its content. */
export function putPush(c: Context, push: PushReference): number {
  const sequence = nextSequence(c)
  c.tables.pushes.put(pushKey(push), encodeNumber(sequence))
  return sequence
}
