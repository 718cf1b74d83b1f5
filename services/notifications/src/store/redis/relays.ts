import { concatBytes, EMPTY, idKey, latin1 } from "@sluice/encoding/bytes"
import { Reader } from "@sluice/encoding/reader"
import { readServer, type Server } from "@sluice/encoding/server-address"
import { listOf } from "@sluice/redis/redis-command"
import { emptyIdsHash } from "@sluice/smp-protocol/ids-hash"
import type { EntityId } from "@sluice/smp-protocol/types"
import type { Credentials } from "@sluice/transport/credentials"
import { relayRecord, storedCredentials } from "../context.ts"
import type { Page, PageOptions, RelayId, RelayRecord } from "../ntf-store.ts"
import { bytesIn, change, copyIn, fenceOf, numberIn, type RedisContext, unexpected } from "./context.ts"
import { KEEP_CREDENTIALS, SET_SERVICE, SET_UP } from "./scripts/relay-scripts.ts"

export async function relay(c: RedisContext, relayId: RelayId): Promise<RelayRecord | undefined> {
  const line = ["HMGET", c.keys.relay(relayId).relay, "a", "i", "c", "k", "n", "h", "t", "u"] as const
  const [address, service, der, key, count, hash, total, up] = listOf(await c.connection.command(line))
  const stored = copyIn(address)
  if (stored === undefined) return undefined
  const certificate = copyIn(der)
  return relayRecord(c, relayId.slice(), {
    server: serverIn(stored),
    serviceId: copyIn(service),
    certificate: certificate && { der: certificate, key: bytesIn(key) },
    epoch: 0,
    count: numberIn(count),
    hash: copyIn(hash) ?? emptyIdsHash(),
    total: numberIn(total),
    up: numberIn(up) === 1,
  })
}

export async function relays(c: RedisContext, { after, limit }: PageOptions): Promise<Page<RelayRecord>> {
  const from = after === undefined ? "-" : concatBytes(latin1("("), after)
  const line = ["ZRANGEBYLEX", c.keys.relays(), from, "+", "LIMIT", 0, limit] as const
  const ids = listOf(await c.connection.command(line)).map(bytesIn)
  const found = await Promise.all(ids.map((id) => relay(c, id)))
  const items = found.flatMap((record) => (record !== undefined && record.total > 0 ? record : []))
  return { items, next: ids.length < limit ? undefined : ids.at(-1) }
}

export async function keepCredentials(
  c: RedisContext,
  relayId: RelayId,
  credentials: Credentials,
): Promise<Credentials | undefined> {
  const { der, key } = storedCredentials(credentials)
  const answer = await change(c, KEEP_CREDENTIALS, [c.keys.relay(relayId).relay], [der, key])
  if (answer.word === "absent") return undefined
  if (answer.word !== "ok") throw unexpected(answer)
  return (await relay(c, relayId))?.credentials
}

/** Nothing happens when another node owns the relay by now. */
export async function setService(
  c: RedisContext,
  relayId: RelayId,
  serviceId: EntityId | undefined,
  forget: boolean,
): Promise<void> {
  const args = [fenceOf(c, relayId), serviceId ?? EMPTY, forget ? "1" : "0"]
  await change(c, SET_SERVICE, [c.keys.relay(relayId).relay], args)
}

/** Nothing happens when another node owns the relay by now. */
export async function setUp(c: RedisContext, relayId: RelayId, up: boolean): Promise<void> {
  await change(c, SET_UP, [c.keys.relay(relayId).relay], [fenceOf(c, relayId), up ? "1" : "0"])
}

/** The address of a relay, from memory if it was needed before: ids are hashes of addresses. */
export async function serverOf(c: RedisContext, relayId: RelayId): Promise<Server | undefined> {
  const key = idKey(relayId)
  const known = c.servers.get(key)
  if (known !== undefined) return known
  const stored = copyIn(await c.connection.command(["HGET", c.keys.relay(relayId).relay, "a"]))
  if (stored === undefined) return undefined
  const server = serverIn(stored)
  c.servers.set(key, server)
  return server
}

export function serverIn(stored: Uint8Array): Server {
  return readServer(new Reader(stored))
}
