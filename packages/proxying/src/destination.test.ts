import { nativeCrypto as c } from "@sluice/crypto/native"
import { ManualClock } from "@sluice/ops/manual-clock"
import { SmpClientError } from "@sluice/smp-client/client-error"
import type { BrokerMessage } from "@sluice/smp-protocol/messages"
import { FORWARDED_LENGTH, openRequest, sealResponse } from "@sluice/smp-protocol/proxy-envelope"
import { beforeEach, describe, expect, it } from "vitest"
import { FakeConnection, fakeSession, type SentRequest } from "../test/fake-connection.ts"
import { pfwdCommand } from "../test/requests.ts"
import {
  Destination,
  type DestinationSettings,
  type OfferedSession,
  type RelayTerms,
  relayTerms,
} from "./destination.ts"
import { NO_KEY, OLD_VERSION, TIMED_OUT, unexpectedAnswer, unreadableAnswer } from "./proxy-error.ts"

const ANNOUNCED = { min: 8, max: 20 }
const MINUTE = 60_000
const SETTINGS: DestinationSettings = {
  responseTimeout: 30_000,
  maxInFlight: 4,
  silence: { interval: 10 * MINUTE, timeouts: 3, silence: 15 * MINUTE },
}

function usableTerms(session: OfferedSession): RelayTerms {
  const terms = relayTerms(c, session, ANNOUNCED)
  if ("type" in terms) throw new Error("terms were expected")
  return terms
}

describe("relayTerms", () => {
  it.each([
    [{ min: 6, max: 20 }, ANNOUNCED, { min: 8, max: 20 }],
    [{ min: 6, max: 10 }, ANNOUNCED, { min: 8, max: 10 }],
    [{ min: 6, max: 8 }, ANNOUNCED, { min: 8, max: 8 }],
    [{ min: 12, max: 18 }, ANNOUNCED, { min: 12, max: 18 }],
    [
      { min: 6, max: 20 },
      { min: 8, max: 17 },
      { min: 8, max: 17 },
    ],
  ])("offers the versions of the connection %j within %j", (range, announced, versions) => {
    const terms = relayTerms(c, fakeSession(range), announced)
    expect("type" in terms ? terms : terms.pkey.versions).toEqual(versions)
  })

  it("passes the relay's identity on as it came", () => {
    const session = fakeSession()
    const { pkey } = usableTerms(session)
    expect(pkey.sessionId).toEqual(session.sessionId)
    expect(pkey.certificates).toEqual(session.certifiedServerKey?.chain)
    expect(pkey.signedKey).toEqual(session.certifiedServerKey?.signedKey)
  })

  it.each([
    ["an old relay", fakeSession({ min: 6, max: 7 }), ANNOUNCED, OLD_VERSION],
    ["versions that do not meet", fakeSession({ min: 18, max: 20 }), { min: 8, max: 17 }, OLD_VERSION],
    ["a relay without a key", fakeSession(undefined, { sessionSecret: undefined }), ANNOUNCED, NO_KEY],
    ["a relay without certificates", fakeSession(undefined, { certifiedServerKey: undefined }), ANNOUNCED, NO_KEY],
  ])("refuses %s", (_what, session, announced, error) => expect(relayTerms(c, session, announced)).toEqual(error))
})

let clock: ManualClock
let connection: FakeConnection
let destination: Destination

beforeEach(() => {
  clock = new ManualClock()
  connection = new FakeConnection()
  const terms = usableTerms(connection.session)
  destination = new Destination({ crypto: c, clock, connection, terms, own: false }, SETTINGS)
})

const CORR_ID = c.randomBytes(24)

/** What the relay finds in a request. */
function opened({ corrId, command }: SentRequest): Exclude<ReturnType<typeof openRequest>, string> {
  const key = c.boxKey(connection.session.sessionSecret ?? new Uint8Array(32))
  const request = openRequest(c, key, corrId, command.request)
  if (typeof request === "string") throw new Error(request)
  return request
}

/** What the relay answers with `box`. */
function rres({ corrId }: SentRequest, box: Uint8Array): BrokerMessage {
  const key = c.boxKey(connection.session.sessionSecret ?? new Uint8Array(32))
  return { tag: "RRES", response: sealResponse(c, key, corrId, { corrId: CORR_ID, box }) }
}

describe("Destination.forward", () => {
  it("wraps the request for the relay, and takes the wrapping off its answer", async () => {
    const command = pfwdCommand(17)
    const forwarded = destination.forward(CORR_ID, command)
    const { last } = connection
    expect(last.timeoutMs).toBe(30_000)
    expect(last.corrId).toHaveLength(24)
    expect(last.corrId).not.toEqual(CORR_ID)
    expect(opened(last)).toEqual({ corrId: CORR_ID, version: 17, key: command.key, box: command.request })

    const box = c.randomBytes(FORWARDED_LENGTH)
    last.resolve(rres(last, box))
    expect(await forwarded).toEqual({ ok: true, message: { tag: "PRES", response: box } })
    expect(destination.inFlight).toBe(0)
  })

  it("sends before it returns, so commands keep their order", () => {
    const commands = [pfwdCommand(8), pfwdCommand(9), pfwdCommand(10)]
    for (const command of commands) void destination.forward(CORR_ID, command)
    expect(connection.sent.map((sent) => opened(sent).version)).toEqual([8, 9, 10])
    expect(destination.inFlight).toBe(3)
  })

  it("gives answers whenever they come", async () => {
    const first = destination.forward(CORR_ID, pfwdCommand())
    const second = destination.forward(CORR_ID, pfwdCommand())
    const [one, two] = connection.sent as [SentRequest, SentRequest]
    two.resolve(rres(two, Uint8Array.of(2)))
    expect(await second).toMatchObject({ message: { response: Uint8Array.of(2) } })
    one.resolve(rres(one, Uint8Array.of(1)))
    expect(await first).toMatchObject({ message: { response: Uint8Array.of(1) } })
  })

  it("passes an error in clear on, which counts as forwarded", async () => {
    const forwarded = destination.forward(CORR_ID, pfwdCommand())
    connection.last.resolve({ tag: "ERR", error: { type: "CRYPTO" } })
    const error = { type: "PROXY", error: { type: "PROTOCOL", error: { type: "CRYPTO" } } }
    expect(await forwarded).toEqual({ ok: true, message: { tag: "ERR", error } })
  })

  it("calls an answer that does not decrypt CRYPTO", async () => {
    const forwarded = destination.forward(CORR_ID, pfwdCommand())
    connection.last.resolve({ tag: "RRES", response: c.randomBytes(100) })
    expect(await forwarded).toEqual({ ok: false, error: { type: "CRYPTO" } })
  })

  it("calls an answer that decrypts to nothing unreadable", async () => {
    const forwarded = destination.forward(CORR_ID, pfwdCommand())
    const { last } = connection
    const key = c.boxKey(connection.session.sessionSecret ?? new Uint8Array(32))
    const nonce = last.corrId.toReversed()
    last.resolve({ tag: "RRES", response: c.seal(key, nonce, Uint8Array.of(24, 1)) })
    expect(await forwarded).toEqual({ ok: false, error: unreadableAnswer("BLOCK") })
  })

  it("calls any other answer unexpected", async () => {
    const forwarded = destination.forward(CORR_ID, pfwdCommand())
    connection.last.resolve({ tag: "OK" })
    expect(await forwarded).toEqual({ ok: false, error: unexpectedAnswer("OK") })
  })

  it("fails at once when the connection is lost", async () => {
    const forwarded = destination.forward(CORR_ID, pfwdCommand())
    connection.lose()
    expect(await forwarded).toEqual({ ok: false, error: TIMED_OUT })
    expect(destination.open).toBe(false)
    expect(clock.pending).toBe(0)
  })

  it("takes no more than its share of memory", async () => {
    const forwarded = [1, 2, 3, 4].map(() => destination.forward(CORR_ID, pfwdCommand()))
    expect(await destination.forward(CORR_ID, pfwdCommand())).toEqual({ ok: false, error: TIMED_OUT })
    expect(connection.sent).toHaveLength(4)

    // Those that timed out still take room: the relay may not have read them yet.
    for (const sent of connection.sent.slice(0, 3)) connection.timeOut(sent)
    await Promise.all(forwarded.slice(0, 3))
    expect(destination.inFlight).toBe(1)
    expect(await destination.forward(CORR_ID, pfwdCommand())).toEqual({ ok: false, error: TIMED_OUT })

    // A sign of life: what was sent before it has been read.
    const { last } = connection
    last.resolve(rres(last, Uint8Array.of(1)))
    await forwarded[3]
    void destination.forward(CORR_ID, pfwdCommand())
    expect(connection.sent).toHaveLength(5)
  })
})

describe("a destination that does not answer", () => {
  async function timeOuts(count: number): Promise<void> {
    for (let i = 0; i < count; i++) {
      const forwarded = destination.forward(CORR_ID, pfwdCommand())
      connection.timeOut()
      expect(await forwarded).toEqual({ ok: false, error: TIMED_OUT })
    }
  }

  it("is dropped after three time-outs and more than 15 minutes of silence, at the next look", async () => {
    let closed = 0
    destination.onClosed(() => closed++)
    await timeOuts(3)
    clock.advance(19 * MINUTE)
    expect(destination.open).toBe(true)
    clock.advance(MINUTE)
    expect(destination.open).toBe(false)
    expect(closed).toBe(1)
  })

  it.each<[string, () => unknown]>([
    ["an answer", () => answered((sent) => sent.resolve({ tag: "ERR", error: { type: "CRYPTO" } }))],
    ["an unexpected answer", () => answered((sent) => sent.resolve({ tag: "OK" }))],
    [
      "an unreadable answer",
      () => answered((sent) => sent.reject(new SmpClientError({ code: "UNPARSABLE", command: "RFWD" }))),
    ],
    ["a late answer", () => event("late-answer")],
    ["anything else", () => event("unreadable")],
  ])("is not, if there was %s", async (_what, happen) => {
    await timeOuts(3)
    clock.advance(19 * MINUTE)
    await happen()
    clock.advance(60 * MINUTE)
    expect(destination.open).toBe(true)
  })

  async function answered(answer: (sent: SentRequest) => void): Promise<void> {
    const forwarded = destination.forward(CORR_ID, pfwdCommand())
    answer(connection.last)
    await forwarded
  }

  function event(type: "late-answer" | "unreadable"): void {
    const entityId = new Uint8Array(0)
    if (type === "unreadable") connection.events.emit({ type, error: { type: "BLOCK" } })
    else connection.events.emit({ type, command: "RFWD", entityId, answer: { tag: "OK" } })
  }
})
