import { nativeCrypto as c } from "@sluice/crypto/native"
import type { Server } from "@sluice/encoding/server-address"
import { ManualClock } from "@sluice/ops/manual-clock"
import { SmpClientError } from "@sluice/smp-client/client-error"
import type { Dial } from "@sluice/smp-client/dial"
import type { SmpError } from "@sluice/smp-protocol/errors"
import { beforeEach, describe, expect, it } from "vitest"
import { FakeConnection, fakeSession } from "../test/fake-connection.ts"
import { pfwdCommand, RELAY, relayAt } from "../test/requests.ts"
import type { RelayConnection } from "./connect-relay.ts"
import type { Destination } from "./destination.ts"
import { Destinations, type DestinationsSettings, type Opened } from "./destinations.ts"
import { NO_HOST, NO_KEY, networkError, OLD_VERSION, TIMED_OUT } from "./proxy-error.ts"

const SETTINGS: DestinationsSettings = {
  responseTimeout: 30_000,
  maxInFlight: 100,
  silence: { interval: 600_000, timeouts: 3, silence: 900_000 },
  rememberFailure: 30_000,
  maxDestinations: 3,
  maxConnecting: 2,
  hosts: { hostMode: "public", requiredHostMode: false, socksMode: "onion", allowPrivate: false },
  announced: { min: 8, max: 20 },
  ownDomains: ["example.com"],
}

/** An attempt that the test decides about. */
interface Attempt {
  readonly server: Server
  readonly dial: Dial
  readonly signal: AbortSignal
  readonly succeed: (connection?: FakeConnection) => FakeConnection
  readonly fail: (error: unknown) => void
}

const DIRECT: Dial = () => Promise.reject(new Error("nothing is dialed here"))
const SOCKS: Dial = () => Promise.reject(new Error("nor here"))
const NEVER = new AbortController().signal

let clock: ManualClock
let attempts: Attempt[]
/** Attempts go on after they were given up. */
let deaf: boolean
let destinations: Destinations

beforeEach(() => {
  clock = new ManualClock()
  attempts = []
  deaf = false
  destinations = pool()
})

function pool(settings: Partial<DestinationsSettings> = {}, socks?: Dial): Destinations {
  return new Destinations({ crypto: c, clock, connect, direct: DIRECT, socks }, { ...SETTINGS, ...settings })
}

function connect(server: Server, dial: Dial, signal: AbortSignal): Promise<RelayConnection> {
  const { promise, resolve, reject } = Promise.withResolvers<RelayConnection>()
  if (!deaf) signal.addEventListener("abort", () => reject(signal.reason))
  const succeed = (connection = new FakeConnection()): FakeConnection => {
    resolve(connection)
    return connection
  }
  attempts.push({ server, dial, signal, succeed, fail: reject })
  return promise
}

function lastAttempt(): Attempt {
  const attempt = attempts.at(-1)
  if (attempt === undefined) throw new Error("there was no attempt")
  return attempt
}

async function opened(server: Server = RELAY): Promise<{ destination: Destination; connection: FakeConnection }> {
  const opening = destinations.open(server, NEVER)
  const connection = lastAttempt().succeed()
  return { destination: destinationOf(await opening), connection }
}

function destinationOf(opened: Opened | undefined): Destination {
  if (opened?.ok !== true) throw new Error("a destination was expected")
  return opened.destination
}

function errorOf(opened: Opened | undefined): SmpError {
  if (opened?.ok !== false) throw new Error("an error was expected")
  return opened.error
}

const UNREACHABLE = new SmpClientError({ code: "CONNECT", stage: "DIAL" })
const CONNECT_ERROR = networkError({ type: "CONNECT", text: "failed" })

describe("one connection for each relay", () => {
  it("is made when it is first asked for, and shared", async () => {
    const { destination } = await opened()
    expect(lastAttempt().server).toEqual({ ...RELAY, port: "5223" })
    expect(lastAttempt().dial).toBe(DIRECT)
    expect(destinationOf(await destinations.open(RELAY, NEVER))).toBe(destination)
    expect(destinationOf(destinations.known(RELAY))).toBe(destination)
    expect(destinations.bySession(destination.pkey.sessionId)).toBe(destination)
    expect(attempts).toHaveLength(1)
    expect([destinations.size, destinations.connecting]).toEqual([1, 0])
  })

  it("is waited for by all who ask meanwhile", async () => {
    const first = destinations.open(RELAY, NEVER)
    const second = destinations.open(RELAY, NEVER)
    expect(destinations.connecting).toBe(1)
    lastAttempt().succeed()
    expect(destinationOf(await second)).toBe(destinationOf(await first))
    expect(attempts).toHaveLength(1)
  })

  it.each<[string, Server]>([
    ["hosts", { ...RELAY, hosts: ["smp.example.com", "x.onion"] }],
    ["port", { ...RELAY, port: "5223" }],
    ["key hash", { ...RELAY, keyHash: new Uint8Array(32) }],
  ])("is another one for other %s", async (_what, other) => {
    await opened()
    await opened(other)
    expect(attempts).toHaveLength(2)
  })

  it("connects to one host of several", async () => {
    await opened({ ...RELAY, hosts: ["x.onion", "10.0.0.1", "b.example", "c.example"], port: "443" })
    expect(lastAttempt().server).toEqual({ ...RELAY, hosts: ["b.example"], port: "443" })
  })

  it("takes the SOCKS proxy for onion hosts", async () => {
    destinations = pool({}, SOCKS)
    await opened(relayAt("x.onion"))
    expect(lastAttempt().dial).toBe(SOCKS)
    await opened()
    expect(lastAttempt().dial).toBe(DIRECT)
  })

  it("knows the operator's own relays", async () => {
    expect((await opened(relayAt("smp.example.com"))).destination.own).toBe(true)
    expect((await opened(relayAt("smp.example.org"))).destination.own).toBe(false)
  })

  it("is gone when it is lost, and made again when asked for", async () => {
    const { destination, connection } = await opened()
    const { sessionId } = destination.pkey
    connection.lose()
    expect(destinations.bySession(sessionId)).toBeUndefined()
    expect(destinations.known(RELAY)).toBeUndefined()
    expect(destinations.size).toBe(0)
    expect((await opened()).destination.pkey.sessionId).not.toEqual(sessionId)
  })
})

describe("a failed attempt", () => {
  it("is the answer to all who wait, and for 30 seconds to all who ask", async () => {
    const waiting = [destinations.open(RELAY, NEVER), destinations.open(RELAY, NEVER)]
    lastAttempt().fail(UNREACHABLE)
    for (const one of waiting) expect(errorOf(await one)).toEqual(CONNECT_ERROR)
    clock.advance(29_999)
    expect(errorOf(await destinations.open(RELAY, NEVER))).toEqual(CONNECT_ERROR)
    expect(errorOf(destinations.known(RELAY))).toEqual(CONNECT_ERROR)
    expect(attempts).toHaveLength(1)
    clock.advance(1)
    await opened()
    expect(attempts).toHaveLength(2)
  })

  it("is not remembered if the setting says so", async () => {
    destinations = pool({ rememberFailure: 0 })
    const opening = destinations.open(RELAY, NEVER)
    lastAttempt().fail(UNREACHABLE)
    expect(errorOf(await opening)).toEqual(CONNECT_ERROR)
    await opened()
  })

  it.each([
    ["speaks no version with proxying", fakeSession({ min: 6, max: 7 }), OLD_VERSION],
    ["gives no key", fakeSession(undefined, { sessionSecret: undefined }), NO_KEY],
  ])("is also a relay that %s", async (_what, session, error) => {
    const opening = destinations.open(RELAY, NEVER)
    const connection = lastAttempt().succeed(new FakeConnection(session))
    expect(errorOf(await opening)).toEqual(error)
    expect(connection.open).toBe(false)
    expect(errorOf(destinations.known(RELAY))).toEqual(error)
    expect([destinations.size, destinations.connecting]).toEqual([0, 0])
  })

  it("keeps only so many failures", async () => {
    destinations = pool({ maxConnecting: 1 })
    for (let i = 0; i < 10_001; i++) {
      const opening = destinations.open(relayAt(`r${i}.example`), NEVER)
      lastAttempt().fail(UNREACHABLE)
      await opening
    }
    expect(destinations.known(relayAt("r0.example"))).toBeUndefined()
    expect(errorOf(destinations.known(relayAt("r1.example")))).toEqual(CONNECT_ERROR)
  })
})

describe("relays that hang", () => {
  const TIMEOUT = new SmpClientError({ code: "CONNECT", stage: "TIMEOUT" })
  const hang = (count: number): void => {
    for (let i = 0; i < count; i++) void destinations.open(relayAt(`hangs${i}.example`), NEVER)
  }

  beforeEach(async () => {
    destinations = pool({ maxConnecting: 4, maxDestinations: 100 })
    const { connection } = await opened()
    await connection.close()
  })

  it("leave places for those that answered lately", async () => {
    hang(5)
    expect(destinations.connecting).toBe(3)
    await opened()
    expect(errorOf(await destinations.open(relayAt("new.example"), NEVER))).toEqual(TIMED_OUT)
  })

  it("lose those places themselves, unlike relays that only refuse", async () => {
    for (const [error, places] of [
      [UNREACHABLE, 4],
      [TIMEOUT, 3],
    ] as const) {
      const failing = destinations.open(RELAY, NEVER)
      lastAttempt().fail(error)
      await failing
      clock.advance(SETTINGS.rememberFailure)
      hang(5)
      void destinations.open(RELAY, NEVER)
      expect(destinations.connecting).toBe(places)
      for (const attempt of attempts) attempt.fail(UNREACHABLE)
      await new Promise((resolve) => setImmediate(resolve))
      clock.advance(SETTINGS.rememberFailure)
    }
  })

  it("have an hour of places for what they once answered", async () => {
    clock.advance(3_600_000)
    hang(5)
    expect(errorOf(await destinations.open(RELAY, NEVER))).toEqual(TIMED_OUT)
  })
})

describe("a client that leaves while it waits", () => {
  it("takes the half-made entry with it, so that the next one tries anew", async () => {
    const gone = new AbortController()
    const opening = destinations.open(RELAY, gone.signal)
    gone.abort()
    expect(await opening).toBeUndefined()
    expect(lastAttempt().signal.aborted).toBe(true)
    expect(destinations.connecting).toBe(0)
    // Nor is it held against the relay.
    expect(destinations.known(RELAY)).toBeUndefined()
    await opened()
    expect(attempts).toHaveLength(2)
  })

  it("does not take it from others", async () => {
    const gone = new AbortController()
    const first = destinations.open(RELAY, gone.signal)
    const second = destinations.open(RELAY, NEVER)
    gone.abort()
    expect(await first).toBeUndefined()
    lastAttempt().succeed()
    destinationOf(await second)
    expect(attempts).toHaveLength(1)
  })

  it("leaves no connection behind that was made too late", async () => {
    deaf = true
    const gone = new AbortController()
    const opening = destinations.open(RELAY, gone.signal)
    gone.abort()
    await opening
    const connection = lastAttempt().succeed()
    await clock.advanceAsync(0)
    expect(connection.open).toBe(false)
    expect([destinations.size, destinations.connecting]).toEqual([0, 0])
  })

  it("does not disturb an attempt that began after it", async () => {
    const gone = new AbortController()
    const first = destinations.open(RELAY, gone.signal)
    gone.abort()
    const second = destinations.open(RELAY, NEVER)
    await first
    await clock.advanceAsync(0)
    expect(destinations.connecting).toBe(1)
    lastAttempt().succeed()
    destinationOf(await second)
  })
})

describe("what is refused without an attempt", () => {
  it.each<[string, Server, SmpError]>([
    ["a private address", relayAt("10.0.0.1"), NO_HOST],
    ["an onion host without SOCKS", relayAt("x.onion"), NO_HOST],
    ["a port that is none", { ...RELAY, port: "http" }, networkError({ type: "FAILED" })],
    ["a key hash of another length", { ...RELAY, keyHash: new Uint8Array(31) }, networkError({ type: "UNKNOWNCA" })],
  ])("%s", async (_what, server, error) => {
    expect(errorOf(await destinations.open(server, NEVER))).toEqual(error)
    expect(attempts).toHaveLength(0)
  })

  it("too many attempts at a time", async () => {
    void destinations.open(relayAt("a.example"), NEVER)
    const second = destinations.open(relayAt("b.example"), NEVER)
    expect(errorOf(await destinations.open(relayAt("c.example"), NEVER))).toEqual(TIMED_OUT)
    lastAttempt().fail(UNREACHABLE)
    await second
    await opened(relayAt("c.example"))
  })

  it("too many relays, unless one of them was not used for a minute", async () => {
    const used = await opened(relayAt("a.example"))
    const busy = await opened(relayAt("b.example"))
    const idle = await opened(relayAt("c.example"))
    void busy.destination.forward(c.randomBytes(24), pfwdCommand())
    expect(errorOf(await destinations.open(relayAt("d.example"), NEVER))).toEqual(TIMED_OUT)

    clock.advance(60_001)
    used.destination.touch()
    await opened(relayAt("d.example"))
    expect([used, busy, idle].map(({ connection }) => connection.open)).toEqual([true, true, false])
    expect(destinations.bySession(idle.destination.pkey.sessionId)).toBeUndefined()
    expect(destinations.size).toBe(3)
    expect(errorOf(await destinations.open(relayAt("c.example"), NEVER))).toEqual(TIMED_OUT)
  })
})

it("stops: closes what is connected, gives up what is not, and takes nothing more", async () => {
  const { connection } = await opened()
  const opening = destinations.open(relayAt("b.example"), NEVER)
  await destinations.stop()
  expect(connection.open).toBe(false)
  expect(lastAttempt().signal.aborted).toBe(true)
  expect(errorOf(await opening)).toEqual(TIMED_OUT)
  expect(errorOf(await destinations.open(relayAt("c.example"), NEVER))).toEqual(TIMED_OUT)
  expect([destinations.size, destinations.connecting, clock.pending]).toEqual([0, 0, 0])
})
