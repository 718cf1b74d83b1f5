import { once } from "node:events"
import { createServer } from "node:net"
import { ManualClock } from "@sluice/ops/manual-clock"
import { afterEach, describe, expect, it } from "vitest"
import { type Answer, type ReceivedRequest, StandIn, type StandInOptions } from "../test/stand-in.ts"
import { Http2Client, type Http2ClientOptions } from "./http2-client.ts"
import { Http2RequestError } from "./http2-problem.ts"
import type { Http2Answer } from "./http2-session.ts"

const stoppers: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const stop of stoppers.splice(0).toReversed()) await stop()
})

const signal = new AbortController().signal
const OK: Answer = { status: 200, body: "done" }

async function pair(
  options: Partial<Http2ClientOptions> = {},
  standInOptions: StandInOptions = {},
): Promise<{ service: StandIn; client: Http2Client; post: (path?: string) => Promise<Http2Answer> }> {
  const service = await new StandIn<ReceivedRequest>(
    (request) => request,
    () => OK,
    standInOptions,
  ).start()
  const client = new Http2Client({ origin: service.origin, ca: service.ca, ...options })
  stoppers.push(
    () => service.stop(),
    () => client.close(),
  )
  const post = (path = "/a"): Promise<Http2Answer> =>
    client.request({ method: "POST", path, headers: { "x-test": "1" }, body: "hello" }, signal)
  return { service, client, post }
}

async function problemOf(answer: Promise<unknown>): Promise<Http2RequestError> {
  const error = await answer.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (!(error instanceof Http2RequestError)) throw new Error("another result", { cause: error })
  return error
}

/** Resolves when that many requests have arrived. */
async function arrived(service: StandIn, count: number): Promise<void> {
  for (let i = 0; i < count; i++) await service.next()
}

describe("connections", () => {
  it("serve many requests, one after the other and at a time", async () => {
    const { service, client, post } = await pair()
    expect(await post()).toMatchObject({ status: 200, body: "done", connection: 1 })
    await Promise.all(Array.from({ length: 50 }, () => post()))
    expect(client).toMatchObject({ connections: 1, requests: 0 })
    expect(service.connections).toBe(1)
    expect(Buffer.from(service.received[0]?.body ?? []).toString()).toBe("hello")
    expect(service.received[0]?.headers["x-test"]).toBe("1")
  })

  it("are made anew when they were cut, and requests in flight say so", async () => {
    const { service, client, post } = await pair()
    await post()
    service.answerNext("drop")
    expect(await problemOf(post())).toMatchObject({ problem: "connection", untouched: false, afterMs: 0 })
    expect((await post()).connection).toBe(2)
    service.dropConnections()
    const { status } = await post().catch(() => post())
    expect(status).toBe(200)
    expect(client.connections).toBe(3)
  })

  it("wait longer from failure to failure, and fail at once in between", async () => {
    const clock = new ManualClock()
    const { service, client, post } = await pair({ clock, random: () => 0 })
    await service.stop()
    expect(await problemOf(post())).toMatchObject({ problem: "connection", afterMs: 250 })
    expect(await problemOf(post())).toMatchObject({ problem: "connection", afterMs: 250 })
    expect(client.connections).toBe(1)
    clock.advance(250)
    expect(await problemOf(post())).toMatchObject({ problem: "connection", afterMs: 500 })
    expect(client.connections).toBe(2)
  })

  it("are only made to a service whose certificate is trusted", async () => {
    const { service } = await pair()
    const stranger = new Http2Client({ origin: service.origin })
    const answer = stranger.request({ method: "POST", path: "/", headers: {}, body: "" }, signal)
    expect(await problemOf(answer)).toMatchObject({ problem: "connection" })
    expect(service.received).toEqual([])
    await stranger.close()
  })

  it("are given up on request, the one that is meant, once a second", async () => {
    const clock = new ManualClock()
    const { client, post } = await pair({ clock })
    await post()
    client.renew(7)
    expect((await post()).connection).toBe(1)
    client.renew(1)
    expect((await post()).connection).toBe(2)
    client.renew(2)
    expect((await post()).connection).toBe(2)
    clock.advance(1_000)
    client.renew(2)
    expect((await post()).connection).toBe(3)
  })
})

describe("GOAWAY in mid-flight", () => {
  it("sends what was not looked at again, and finishes what was", async () => {
    const { service, client, post } = await pair()
    await post()
    let release = (): void => undefined
    const held = new Promise<Answer>((resolve) => {
      release = () => resolve({ status: 200, body: "late" })
    })
    service.answerNext(() => held, "goaway-before")
    const first = post("/first")
    await arrived(service, 2)
    const second = await post("/second")
    expect(second).toMatchObject({ status: 200, connection: 2 })
    release()
    expect(await first).toMatchObject({ status: 200, body: "late", connection: 1 })
    expect(service.received.map(({ path, connection }) => `${path} ${connection}`)).toEqual([
      "/a 1",
      "/first 1",
      "/second 1",
      "/second 2",
    ])
    expect(client.requests).toBe(0)
  })

  it("moves later requests to a new connection", async () => {
    const { service, post } = await pair()
    service.answerNext("goaway-after")
    expect((await post()).status).toBe(200)
    const { connection } = await post()
    expect(connection).toBe(2)
  })

  it("gives up after a few refusals", async () => {
    const { service, post } = await pair()
    service.responder = () => "goaway-before"
    expect(await problemOf(post())).toMatchObject({ problem: "connection", untouched: true })
    // An attempt may also find that the connection was refused already.
    expect(service.received.length).toBeLessThanOrEqual(4)
  })
})

describe("limits", () => {
  it("keep to the streams that the service allows, and follow its changes", async () => {
    const { service, post } = await pair({}, { maxConcurrentStreams: 2 })
    const releases: (() => void)[] = []
    let most = 0
    let now = 0
    service.responder = () =>
      new Promise((resolve) => {
        most = Math.max(most, ++now)
        releases.push(() => {
          now--
          resolve(OK)
        })
      })
    const answers = Promise.all(Array.from({ length: 6 }, () => post()))
    for (let i = 0; i < 6; i++) {
      await service.next()
      if (i >= 1) releases.shift()?.()
    }
    for (const release of releases) release()
    expect((await answers).every(({ status }) => status === 200)).toBe(true)
    expect(most).toBe(2)
  })

  it("bound how many requests wait", async () => {
    const { service, post } = await pair({ maxRequests: 1 })
    service.responder = () => "silence"
    const first = problemOf(post())
    expect(await problemOf(post())).toMatchObject({ problem: "overload" })
    service.dropConnections()
    await service.next().then(() => service.dropConnections())
    expect((await first).problem).toBe("connection")
  })
})

describe("time", () => {
  it("ends a request without an answer, and the connection with it", async () => {
    const clock = new ManualClock()
    const { service, post } = await pair({ clock, requestTimeout: 3_000 })
    service.answerNext("silence")
    const answer = problemOf(post())
    await service.next()
    clock.advance(3_000)
    expect(await answer).toMatchObject({ problem: "timeout" })
    expect((await post()).connection).toBe(2)
  })

  it("tries an idle connection, and keeps one that answers", async () => {
    const clock = new ManualClock()
    const { client, post } = await pair({ clock, pingInterval: 60_000 })
    await post()
    await clock.advanceAsync(60_000)
    expect((await post()).connection).toBe(1)
    expect(client.connections).toBe(1)
  })

  it("ends an attempt to connect", async () => {
    const deaf = createServer().listen(0, "127.0.0.1")
    await once(deaf, "listening")
    const clock = new ManualClock()
    const client = new Http2Client({ origin: `https://localhost:${(deaf.address() as { port: number }).port}`, clock })
    const answer = problemOf(client.request({ method: "POST", path: "/", headers: {}, body: "" }, signal))
    const [socket] = await once(deaf, "connection")
    clock.advance(25_000)
    expect(["connection", "timeout"]).toContain((await answer).problem)
    socket.destroy()
    await client.close()
    deaf.close()
  })
})

describe("ends", () => {
  it("by the caller's signal, before and while a request is under way", async () => {
    const { service, client } = await pair()
    const request = { method: "POST", path: "/", headers: {}, body: "" } as const
    expect(await problemOf(client.request(request, AbortSignal.abort()))).toMatchObject({ problem: "aborted" })
    service.answerNext("silence")
    const controller = new AbortController()
    const answer = problemOf(client.request(request, controller.signal))
    await service.next()
    controller.abort()
    expect(await answer).toMatchObject({ problem: "aborted" })
    expect(client.requests).toBe(0)
  })

  it("by closing, twice if need be", async () => {
    const { service, client, post } = await pair()
    service.answerNext("silence")
    const answer = problemOf(post())
    await service.next()
    await client.close()
    await client.close()
    expect(await answer).toMatchObject({ problem: "closed" })
    expect(await problemOf(post())).toMatchObject({ problem: "closed" })
  })
})
