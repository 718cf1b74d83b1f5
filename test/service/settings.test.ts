import { readdir } from "node:fs/promises"
import { join } from "node:path"
import { nativeCrypto } from "@sluice/crypto/native"
import { loadConfig } from "@sluice/ops/config"
import { listSettings } from "@sluice/ops/settings"
import { relaySettings } from "@sluice/relay/config"
import { createIdentity, identityFiles } from "@sluice/transport/certificates"
import { describe, expect, test } from "vitest"
import { AUTH, createQueue, newQueue, OK, QUOTA, sok } from "../support/queue.ts"
import type { RawClient } from "../support/raw-client.ts"
import { TestRelay } from "../support/relay.ts"
import { sendTo, sub } from "../support/steps.ts"
import { RelayPair } from "./relay-pair.ts"

/*
 * Every quantity of policy of design.md §6 is a setting with the reference's default (relay-operations.md §3 and its
 * list of what can't be configured there). Each is changed in this file, `settings-in-time` or `settings-of-proxy`.
 */

const SECOND = 1000
const HOUR = 3600 * SECOND
const DAY = 24 * HOUR

const REFERENCE: Readonly<Record<string, unknown>> = {
  "relay.message_quota": 128,
  "relay.message_ttl": 21 * DAY,
  "relay.message_check_interval": 2 * HOUR,
  "relay.expire_on_start": true,
  "relay.expire_on_send": true,
  "relay.notification_ttl": 24 * HOUR,
  "relay.notification_check_interval": HOUR,
  "relay.notification_interval": 0.25 * SECOND,
  "relay.end_interval": 15 * SECOND,
  "relay.min_version": 6,
  "relay.max_version": 20,
  "relay.password": undefined,
  "relay.new_queues": true,
  "limits.idle_timeout": 6 * HOUR,
  "limits.idle_check_interval": HOUR,
  "limits.tls_timeout": 60 * SECOND,
  "limits.handshake_timeout": 120 * SECOND,
  "proxy.enabled": true,
  "proxy.client_concurrency": 32,
  "proxy.remember_failure": 30 * SECOND,
  "proxy.min_version": 6,
  "proxy.max_version": 20,
  "proxy.max_forwarded_version": 20,
  "identity.path": "identity",
  "store.path": "store",
}

/** Spans of which tests may want a part of a second. */
const FRACTIONS = [
  "relay.message_ttl",
  "relay.message_check_interval",
  "relay.notification_ttl",
  "relay.notification_check_interval",
  "relay.notification_interval",
  "relay.end_interval",
  "limits.idle_timeout",
  "limits.idle_check_interval",
  "limits.tls_timeout",
  "limits.handshake_timeout",
  "proxy.remember_failure",
]

/** The configuration that these values give, by the keys of the file. */
function configured(overrides: Readonly<Record<string, unknown>> = {}): ReadonlyMap<string, unknown> {
  const config = loadConfig(relaySettings, { overrides })
  const at = (path: readonly string[]): unknown =>
    path.reduce((value: unknown, name) => (value as Record<string, unknown>)[name], config)
  return new Map(listSettings(relaySettings).map(({ key, path }) => [key, at(path)]))
}

describe("defaults", () => {
  test.each(Object.entries(REFERENCE))("%s is %s, as in the reference", (key, value) => {
    const defaults = configured()
    expect([...defaults.keys()]).toContain(key)
    expect(defaults.get(key)).toBe(value)
  })

  test.each(FRACTIONS)("%s may be a fraction of a second", (key) => {
    expect(configured({ [key]: "0.25s" }).get(key)).toBe(250)
  })
})

async function newAnswer(client: RawClient, password?: string): Promise<unknown> {
  const { command, keys, corrId } = newQueue(password === undefined ? {} : { password })
  const answer = await client.ask(command, { key: keys.privateKey, corrId })
  return answer.tag === "ERR" ? answer : answer.tag
}

describe("queues", () => {
  test("relay.message_quota", async () => {
    await using pair = await RelayPair.start({ "relay.message_quota": 2 })
    const accepted = await pair.each(async (client) => {
      const queue = await createQueue(client, { subscription: "create-only" })
      for (let i = 0; ; i++) {
        const answer = await sendTo(client, queue, "hello")
        if (answer.tag === "OK") continue
        expect(answer).toEqual(QUOTA)
        return i
      }
    })
    expect(accepted).toEqual([128, 2])
  })

  test("relay.password", async () => {
    await using pair = await RelayPair.start({ "relay.password": "correct" })
    const answers = await pair.each(async (client) => [
      await newAnswer(client),
      await newAnswer(client, "wrong"),
      await newAnswer(client, "correct"),
    ])
    expect(answers).toEqual([
      ["IDS", "IDS", "IDS"],
      [AUTH, AUTH, "IDS"],
    ])
  })

  test("relay.new_queues", async () => {
    await using relay = await TestRelay.start()
    const queue = await createQueue(await relay.connect(), { subscription: "create-only" })
    expect(await newAnswer(await relay.connect())).toBe("IDS")
    await relay.stop()
    await relay.start({ "relay.new_queues": false })
    const client = await relay.connect()
    expect(await newAnswer(client)).toEqual(AUTH)
    // Queues that are there go on.
    expect(await sub(client, queue)).toEqual(sok(client))
    expect(await client.ask({ tag: "DEL" }, queue.asRecipient)).toEqual(OK)
  })
})

describe("versions", () => {
  test("relay.max_version", async () => {
    await using pair = await RelayPair.start({ "relay.max_version": 17 })
    expect(await pair.each(async ({ version }) => version)).toEqual([20, 17])
  })

  test("relay.min_version", async () => {
    await using pair = await RelayPair.start({ "relay.min_version": 12 })
    expect(await pair.each(async ({ version }) => version, { versions: 12 })).toEqual([12, 12])
    expect((await pair.usual.connect({ versions: 11 })).version).toBe(11)
    await expect(pair.changed.connect({ versions: 11 })).rejects.toThrow()
  })
})

describe("places", () => {
  test("identity.path", async () => {
    await using relay = await TestRelay.start()
    const { fingerprint } = relay.relay
    await relay.stop()
    const files = identityFiles(join(relay.folder, "keys"))
    await createIdentity(nativeCrypto, files, { host: "localhost", now: Math.floor(Date.now() / SECOND) })
    await relay.start({ "identity.path": "keys" })
    expect(relay.relay.fingerprint).not.toEqual(fingerprint)
    // The client demands the identity that the relay says it has.
    expect((await relay.connect()).version).toBe(20)
  })

  test("store.path", async () => {
    await using relay = await TestRelay.start()
    const queue = await createQueue(await relay.connect(), { subscription: "create-only" })
    await relay.stop()
    await relay.start({ "store.path": "elsewhere" })
    expect(await readdir(relay.folder)).toEqual(expect.arrayContaining(["store", "elsewhere"]))
    expect(await sub(await relay.connect(), queue)).toEqual(AUTH)
    await relay.stop()
    await relay.start()
    const client = await relay.connect()
    expect(await sub(client, queue)).toEqual(sok(client))
  })
})
