import { utf8 } from "@sluice/encoding/bytes"
import { connect } from "@sluice/smp-client/connect"
import type { BrokerMessage } from "@sluice/smp-protocol/messages"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import type { RawClient } from "../support/raw-client.ts"
import { TestRelay } from "../support/relay.ts"
import { addressOf } from "./addresses.ts"
import { RelayPair } from "./relay-pair.ts"
import { TurnableLink } from "./turnable-link.ts"

/*
 * The settings of design.md §6 that are about private routing, each with the reference's default and changed. Relays of
 * tests are on loopback addresses, which proxies refuse by default, so the proxies here are told not to.
 */

const ALLOW = { "proxy.allow_private": true }

/** R: the relay that proxies connect to. */
let relay: TestRelay
beforeAll(async () => {
  relay = await TestRelay.start({ store: "memory" })
})
afterAll(() => relay[Symbol.asyncDispose]())

/** What `PRXY` to R, or to a port that leads to it, is answered with. */
function prxy(client: RawClient, { port = relay.port, password = "" } = {}): Promise<BrokerMessage> {
  return client.ask({ tag: "PRXY", server: addressOf(relay, port), ...(password && { password }) })
}

/** The error of an answer as words, or its tag. */
function words(answer: BrokerMessage): string {
  if (answer.tag !== "ERR") return answer.tag
  const found: string[] = []
  for (let error: unknown = answer.error; typeof error === "object" && error !== null; ) {
    const { type, error: inner } = error as { type: string; error?: unknown }
    found.push(type)
    error = inner
    if (typeof error === "string") found.push(error)
  }
  return found.join(" ")
}

describe("who may use a proxy", () => {
  test("proxy.enabled", async () => {
    await using pair = await RelayPair.start({ "proxy.enabled": false }, ALLOW)
    expect(await pair.each(async (client) => words(await prxy(client)))).toEqual(["PKEY", "PROXY BASIC_AUTH"])
  })

  test("relay.password", async () => {
    await using pair = await RelayPair.start({ "relay.password": "correct" }, ALLOW)
    const answers = await pair.each(async (client) => [
      words(await prxy(client)),
      words(await prxy(client, { password: "wrong" })),
      words(await prxy(client, { password: "correct" })),
    ])
    expect(answers).toEqual([
      ["PKEY", "PKEY", "PKEY"],
      ["PROXY BASIC_AUTH", "PROXY BASIC_AUTH", "PKEY"],
    ])
  })

  test("proxy.allow_private", async () => {
    await using pair = await RelayPair.start(ALLOW)
    expect(await pair.each(async (client) => words(await prxy(client)))).toEqual(["PROXY BROKER HOST", "PKEY"])
  })
})

describe("versions that a proxy offers to relays", () => {
  test.each([
    ["proxy.max_version", 10],
    ["proxy.max_forwarded_version", 17],
  ])("%s", async (setting, max) => {
    await using pair = await RelayPair.start({ [setting]: max }, ALLOW)
    const announced = await pair.each(async (client) => {
      const answer = await prxy(client)
      return answer.tag === "PKEY" ? answer.versions.max : answer
    })
    expect(announced).toEqual([20, max])
  })

  test("proxy.min_version", async () => {
    await using old = await TestRelay.start({ store: "memory", settings: { "relay.max_version": 9 } })
    await using pair = await RelayPair.start({ "proxy.min_version": 10 }, ALLOW)
    const answers = await pair.each(async (client) => words(await client.ask({ tag: "PRXY", server: addressOf(old) })))
    expect(answers[0]).toBe("PKEY")
    expect(answers[1]).toMatch(/^PROXY BROKER (TRANSPORT VERSION|NETWORK)/)
  })
})

test("proxy.remember_failure", async () => {
  await using pair = await RelayPair.start({ "proxy.remember_failure": "0.5s" }, ALLOW)
  await using link = await TurnableLink.to(relay.port, "refusing")
  const { port } = link
  const [there, here] = await pair.each(async (client) => {
    expect(words(await prxy(client, { port }))).toMatch(/^PROXY BROKER NETWORK/)
    return async () => words(await prxy(client, { port }))
  })
  link.turn("open")
  const remembered = expect.stringMatching(/^PROXY BROKER NETWORK/)
  expect([await there(), await here()]).toEqual([remembered, remembered])
  pair.clock.advance(499)
  expect(await here()).toEqual(remembered)
  pair.clock.advance(1)
  expect([await there(), await here()]).toEqual([remembered, "PKEY"])
  pair.clock.advance(29_499)
  expect(await there()).toEqual(remembered)
  pair.clock.advance(1)
  expect(await there()).toBe("PKEY")
})

/**
 * One client of a proxy with these settings sends first to a relay that has stopped answering, so many messages, then one
 * to another that has not: in which order it hears of them, and what.
 */
async function stalledAndHealthy(settings: Readonly<Record<string, unknown>>, before = 1): Promise<string[]> {
  await using proxy = await TestRelay.start({
    store: "memory",
    settings: { ...ALLOW, "proxy.response_timeout": "1s", ...settings },
  })
  await using link = await TurnableLink.to(relay.port)
  await using recipient = await connect(addressOf(relay))
  const queue = await recipient.createQueue({ subscribe: false })
  await using client = await connect(addressOf(proxy))
  const [stalled, healthy] = [
    await client.openRelay(addressOf(relay, link.port)),
    await client.openRelay(addressOf(relay)),
  ]
  link.turn("silent")
  const heard: string[] = []
  const send = async (through: typeof stalled, name: string): Promise<void> => {
    const outcome = await through.sendMessage(queue, utf8(name)).then(
      () => "OK",
      ({ answer }) => words({ tag: "ERR", error: answer }),
    )
    heard.push(`${name}: ${outcome}`)
  }
  const sent = Array.from({ length: before }, () => send(stalled, "stalled"))
  await Promise.all([...sent, send(healthy, "healthy")])
  return heard
}

describe("commands in progress", () => {
  const TIMED_OUT = "stalled: PROXY BROKER TIMEOUT"

  test("proxy.client_concurrency", async () => {
    expect(await stalledAndHealthy({})).toEqual(["healthy: OK", TIMED_OUT])
    expect(await stalledAndHealthy({ "proxy.client_concurrency": 1 })).toEqual([TIMED_OUT, "healthy: OK"])
  })

  test("proxy.client_concurrency above the default", async () => {
    // With room for 32, the message to the other relay waits until some of those before it have timed out.
    const heard = [await stalledAndHealthy({}, 40), await stalledAndHealthy({ "proxy.client_concurrency": 41 }, 40)]
    const places = heard.map((outcomes) => outcomes.indexOf("healthy: OK"))
    expect(places).toEqual([expect.toSatisfy((place: number) => place > 0), 0])
  })

  test("proxy.concurrency", async () => {
    expect(await stalledAndHealthy({ "proxy.concurrency": 1 })).toEqual(["healthy: PROXY BROKER TIMEOUT", TIMED_OUT])
  })
})
