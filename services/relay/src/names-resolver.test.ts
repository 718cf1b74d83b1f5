import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { createServer as createTcpServer } from "node:net"
import { type Clock, systemClock } from "@sluice/ops/clock"
import { ManualClock } from "@sluice/ops/manual-clock"
import { OperatorError } from "@sluice/ops/operator-error"
import { recordingLog } from "@sluice/ops/recording-log"
import { Secret } from "@sluice/ops/secret"
import type { NameRecord } from "@sluice/smp-protocol/messages/name"
import { afterEach, describe, expect, it } from "vitest"
import { HttpNamesResolver } from "./names-resolver.ts"
import { type NamesConfig, type NamesOptions, namesOptions } from "./names-settings.ts"

const RECORD: NameRecord = {
  name: "alice.simplex",
  nickname: "Álice",
  website: "",
  location: "",
  simplexContact: ["https://smp.example.com/a#key"],
  simplexChannel: [],
  eth: null,
  btc: "bc1",
  xmr: null,
  dot: null,
  owner: "0x01",
  resolver: "",
}

const CONFIG: NamesConfig = {
  enabled: true,
  endpoint: "http://127.0.0.1:1/",
  auth: undefined,
  timeout: 3000,
  maxResponseBytes: 16_000,
  concurrency: 1000,
}

const cleanUp: (() => void)[] = []
afterEach(() => {
  for (const done of cleanUp.splice(0)) done()
})

async function listening(server: Server | ReturnType<typeof createTcpServer>): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  cleanUp.push(() => server.close())
  return (server.address() as AddressInfo).port
}

interface Fixture {
  readonly resolver: HttpNamesResolver
  readonly log: ReturnType<typeof recordingLog>
  readonly requests: readonly IncomingMessage[]
  readonly connections: () => number
}

/** A resolver, and the client that asks it. */
async function fixture(
  answer: RequestListener,
  { clock = systemClock, path = "", ...changes }: Partial<NamesOptions> & { clock?: Clock; path?: string } = {},
): Promise<Fixture> {
  const requests: IncomingMessage[] = []
  const server = createServer((request, response) => {
    requests.push(request)
    answer(request, response)
  })
  let connections = 0
  server.on("connection", () => connections++)
  const endpoint = `http://127.0.0.1:${await listening(server)}${path}`
  cleanUp.push(() => server.closeAllConnections())
  const options = { endpoint, timeout: 3000, maxResponseBytes: 16_000, concurrency: 1000, ...changes }
  const log = recordingLog()
  const resolver = new HttpNamesResolver(options, { clock, log })
  cleanUp.push(() => resolver.close())
  return { resolver, log, requests, connections: () => connections }
}

const text =
  (status: number, body: string, headers = {}) =>
  (_request: IncomingMessage, response: ServerResponse): void => {
    response.writeHead(status, headers).end(body)
  }

const json = (value: unknown): RequestListener => text(200, JSON.stringify(value))

const failed = (why: string): object => ({ result: "failed", text: why })

describe("a name that the resolver knows", () => {
  it("gives the record", async () => {
    const { resolver, requests, log } = await fixture(json({ ...RECORD, unknown: [1] }))
    expect(await resolver.resolve("alice.simplex")).toEqual({ result: "found", record: RECORD })
    expect(requests.map(({ method, url }) => [method, url])).toEqual([["GET", "/resolve/alice.simplex"]])
    expect(requests[0]?.headers.authorization).toBeUndefined()
    expect(requests[0]?.headers["accept-encoding"]).toBeUndefined()
    expect(log.entries).toEqual([])
  })

  it("is asked for below the endpoint, with its credentials", async () => {
    const { resolver, requests } = await fixture(json(RECORD), {
      path: "/names/v1",
      authorization: new Secret("Bearer t0ken"),
    })
    await resolver.resolve("a.b")
    expect(requests[0]?.url).toBe("/names/v1/resolve/a.b")
    expect(requests[0]?.headers.authorization).toBe("Bearer t0ken")
  })

  it("is asked for over a connection that stays open", async () => {
    const { resolver, requests, connections } = await fixture(json(RECORD))
    for (let n = 0; n < 5; n++) await resolver.resolve("a.b")
    expect([requests.length, connections()]).toEqual([5, 1])
  })

  it("is asked for again when the connection was closed in that moment", async () => {
    let served = 0
    const { resolver, connections } = await fixture((request, response) => {
      served++
      if (served === 2) request.socket.resetAndDestroy()
      else json(RECORD)(request, response)
    })
    await resolver.resolve("a.b")
    expect(await resolver.resolve("a.b")).toMatchObject({ result: "found" })
    expect([served, connections()]).toEqual([3, 2])
  })
})

describe("a name that it does not know", () => {
  it.each([404, 400])("is not found: HTTP %i", async (status) => {
    const { resolver, log, connections } = await fixture(text(status, "no"))
    expect(await resolver.resolve("a.b")).toEqual({ result: "not-found" })
    expect(await resolver.resolve("a.b")).toEqual({ result: "not-found" })
    expect(connections()).toBe(1)
    expect(log.entries).toEqual([])
  })

  it("is not found, however long that takes to say", async () => {
    const { resolver } = await fixture(text(404, "x".repeat(200_000)), { maxResponseBytes: 1024 })
    expect(await resolver.resolve("a.b")).toEqual({ result: "not-found" })
  })
})

describe("a resolver with a problem", () => {
  it.each([500, 503, 401, 204])("answers HTTP %i", async (status) => {
    const { resolver, log } = await fixture(text(status, ""))
    expect(await resolver.resolve("a.b")).toEqual(failed(`HTTP ${status}`))
    expect(log.entries).toMatchObject([{ level: "warn", fields: { reason: `HTTP ${status}` } }])
  })

  it.each([301, 302, 307])("is not followed elsewhere: HTTP %i", async (status) => {
    const { resolver, requests } = await fixture(text(status, "", { location: "/resolve/other.name" }))
    expect(await resolver.resolve("a.b")).toEqual(failed(`HTTP ${status}`))
    expect(requests).toHaveLength(1)
  })

  const { nickname: _, ...incomplete } = RECORD
  it.each([
    ["nothing", ""],
    ["no JSON", "{"],
    ["an array", "[]"],
    ["a key missing", JSON.stringify(incomplete)],
    ["a wrong type", JSON.stringify({ ...RECORD, simplexContact: "x" })],
    ["half a character", JSON.stringify({ ...RECORD, name: "\ud800" })],
    ["more behind it", `${JSON.stringify(RECORD)}{}`],
    ["deep nesting", "[".repeat(15_000)],
  ])("answers what is no record: %s", async (_what, body) => {
    const { resolver } = await fixture(text(200, body))
    expect(await resolver.resolve("a.b")).toEqual(failed("invalid response"))
  })

  it("answers what is no UTF-8", async () => {
    const { resolver } = await fixture((_request, response) => response.end(Buffer.from([0x7b, 0xff, 0x7d])))
    expect(await resolver.resolve("a.b")).toEqual(failed("invalid response"))
  })

  it("answers too much, by one byte", async () => {
    const fitting = JSON.stringify(RECORD).padEnd(2000)
    const { resolver } = await fixture(
      (request, response) =>
        text(200, request.url === "/resolve/long.name" ? `${fitting} ` : fitting)(request, response),
      { maxResponseBytes: Buffer.byteLength(fitting) },
    )
    expect(await resolver.resolve("a.b")).toMatchObject({ result: "found" })
    expect(await resolver.resolve("long.name")).toEqual(failed("response too large"))
  })

  it("answers without an end, and is cut off", async () => {
    const { resolver } = await fixture((_request, response) => {
      const more = (): void => {
        if (!response.destroyed) response.write("x".repeat(1000), () => setImmediate(more))
      }
      more()
    })
    expect(await resolver.resolve("a.b")).toEqual(failed("response too large"))
  })

  it("breaks off", async () => {
    const { resolver } = await fixture((_request, response) => {
      response.writeHead(200, { "content-length": 100 }).write("{")
      setImmediate(() => response.destroy())
    })
    expect(await resolver.resolve("a.b")).toEqual(failed("transport failure"))
  })

  it("does not speak HTTP", async () => {
    const port = await listening(createTcpServer((socket) => socket.end("smp\r\n\r\n")))
    const log = recordingLog()
    const options = namesOptions({ ...CONFIG, endpoint: `http://127.0.0.1:${port}` })
    if (options === undefined) throw new Error("names are enabled")
    const resolver = new HttpNamesResolver(options, { clock: systemClock, log })
    expect(await resolver.resolve("a.b")).toEqual(failed("transport failure"))
    resolver.close()
  })

  it("is not there", async () => {
    const server = createServer()
    const port = await listening(server)
    await new Promise((resolve) => server.close(resolve))
    const resolver = new HttpNamesResolver(
      { endpoint: `http://127.0.0.1:${port}`, timeout: 3000, maxResponseBytes: 1024, concurrency: 1 },
      { clock: systemClock, log: recordingLog() },
    )
    expect(await resolver.resolve("a.b")).toEqual(failed("transport failure"))
    expect(resolver.running).toBe(0)
  })

  it.each(["before its answer", "within it"])("takes too long %s", async (when) => {
    const clock = new ManualClock()
    const { promise: asked, resolve } = Promise.withResolvers<void>()
    const { resolver } = await fixture(
      (_request, response) => {
        if (when === "within it") response.write("{")
        resolve()
      },
      { clock },
    )
    const resolution = resolver.resolve("a.b")
    await asked
    clock.advance(2999)
    expect(resolver.running).toBe(1)
    clock.advance(1)
    expect(await resolution).toEqual(failed("timeout"))
    expect([resolver.running, clock.pending]).toEqual([0, 0])
  })

  it("has only so many look-ups at a time", async () => {
    const held: ServerResponse[] = []
    const { promise: full, resolve } = Promise.withResolvers<void>()
    const { resolver, requests } = await fixture(
      (_request, response) => {
        if (held.push(response) === 2) resolve()
      },
      { concurrency: 2 },
    )
    const running = [resolver.resolve("a.b"), resolver.resolve("c.d")]
    expect(await resolver.resolve("e.f")).toEqual(failed("resolver error"))
    await full
    for (const response of held) response.end(JSON.stringify(RECORD))
    expect((await Promise.all(running)).map(({ result }) => result)).toEqual(["found", "found"])
    const later = resolver.resolve("g.h")
    while (held.length < 3) await new Promise((next) => setImmediate(next))
    held[2]?.end(JSON.stringify(RECORD))
    expect((await later).result).toBe("found")
    expect(requests).toHaveLength(3)
  })

  it("has nothing left when the relay stops", async () => {
    const { promise: asked, resolve } = Promise.withResolvers<void>()
    const { resolver } = await fixture(() => resolve())
    const resolution = resolver.resolve("a.b")
    await asked
    resolver.close()
    expect(await resolution).toEqual(failed("resolver error"))
    expect(await resolver.resolve("a.b")).toEqual(failed("resolver error"))
  })
})

describe("the probe", () => {
  it("says nothing of a healthy resolver", async () => {
    const { resolver, log, requests } = await fixture(text(200, "ok"))
    await resolver.probe()
    expect(requests[0]?.url).toBe("/health")
    expect(log.entries).toEqual([])
  })

  it("tells the log of one that is not", async () => {
    const { resolver, log } = await fixture(text(404, ""))
    await resolver.probe()
    expect(log.entries).toMatchObject([{ level: "warn", fields: { reason: "HTTP 404" } }])
  })
})

describe("the settings", () => {
  it("are off by default, and then not looked at", () => {
    expect(namesOptions({ ...CONFIG, enabled: false, endpoint: undefined })).toBeUndefined()
  })

  it("need an endpoint, without query and fragment", () => {
    for (const endpoint of [undefined, "https://r.example/?x=1", "https://r.example/#x"]) {
      expect(() => namesOptions({ ...CONFIG, endpoint })).toThrow(OperatorError)
    }
    expect(namesOptions({ ...CONFIG, endpoint: "https://r.example/names//" })?.endpoint).toBe("https://r.example/names")
  })

  it.each([
    ["bearer abc", "Bearer abc"],
    ["basic user:pass:word", `Basic ${Buffer.from("user:pass:word").toString("base64")}`],
  ])("make a header of %s", (auth, header) => {
    const options = namesOptions({ ...CONFIG, endpoint: "https://r.example", auth: new Secret(auth) })
    expect(options?.authorization?.reveal()).toBe(header)
    expect(JSON.stringify(options)).not.toContain(header)
  })

  it("keep credentials off the network in clear", () => {
    const auth = new Secret("bearer abc")
    for (const host of ["r.example", "10.0.0.1", "127.0.0.1.example", "[2001:db8::1]", "localhost.example"]) {
      const config = { ...CONFIG, endpoint: `http://${host}/`, auth }
      expect(() => namesOptions(config)).toThrow(/^names\.auth/)
      expect(() => namesOptions(config)).not.toThrow(/abc/)
      expect(namesOptions({ ...config, endpoint: `https://${host}/` })).toBeDefined()
      expect(namesOptions({ ...config, auth: undefined })).toBeDefined()
    }
    for (const host of ["localhost:8000", "127.0.0.1", "127.1.2.3:99", "[::1]:8000"]) {
      expect(namesOptions({ ...CONFIG, endpoint: `http://${host}/`, auth })).toBeDefined()
    }
  })
})
