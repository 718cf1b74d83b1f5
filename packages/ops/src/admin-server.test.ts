import { createServer } from "node:net"
import { describe, expect, it } from "vitest"
import { type AdminRoute, type AdminServer, type AdminServerOptions, createAdminServer } from "./admin-server.ts"
import { hasBearerToken } from "./bearer-token.ts"
import { ManualClock } from "./manual-clock.ts"
import { Metrics } from "./metrics.ts"
import { OperatorError } from "./operator-error.ts"
import { Readiness } from "./readiness.ts"
import { type RecordingLog, recordingLog } from "./recording-log.ts"
import { Secret } from "./secret.ts"

interface Fixture {
  readonly server: AdminServer
  readonly metrics: Metrics
  readonly readiness: Readiness
  readonly log: RecordingLog
}

function fixture(options: Partial<AdminServerOptions> = {}): Fixture {
  const components = { metrics: new Metrics(), readiness: new Readiness(new ManualClock()), log: recordingLog() }
  return { server: createAdminServer({ bind: "127.0.0.1", port: 0, ...options }, components), ...components }
}

const token = new Secret("a-token-of-twenty-or-more")
const authorization = `Bearer ${token.reveal()}`
const routes: readonly AdminRoute[] = [
  {
    method: "POST",
    path: "/queues/:id",
    handle: ({ params, query, body }) => ({ status: 201, body: { params, query, body } }),
  },
  { method: "GET", path: "/nothing", handle: async () => ({}) },
  {
    method: "GET",
    path: "/broken",
    handle: () => {
      throw new Error("connect ECONNREFUSED 192.0.2.7")
    },
  },
]

describe("operators' routes", () => {
  it("serve metrics", async () => {
    const { server, metrics } = fixture()
    metrics.register.counter({ name: "x_total", help: "X" }).value = 4
    const response = await server.inject("/metrics")
    expect(response.statusCode).toBe(200)
    expect(response.headers["content-type"]).toContain("text/plain; version=0.0.4")
    expect(response.headers["cache-control"]).toBe("no-store")
    expect(response.body).toContain("x_total 4\n")
  })

  it("tell liveness and readiness apart", async () => {
    const { server, readiness } = fixture()
    const status = async (path: string): Promise<[number, unknown]> => {
      const response = await server.inject(path)
      return [response.statusCode, response.json()]
    }
    expect(await status("/readyz")).toEqual([503, { status: "not ready", failing: ["starting"] }])
    readiness.started()
    readiness.add("store", () => true)
    expect(await status("/readyz")).toEqual([200, { status: "ready" }])
    readiness.add("disk", () => false)
    expect(await status("/readyz")).toEqual([503, { status: "not ready", failing: ["disk"] }])
    expect(await status("/healthz")).toEqual([200, { status: "ok" }])
    expect(await status("/other")).toEqual([404, { error: "not found" }])
  })

  it("are served over the network, on any port", async () => {
    const { server, log } = fixture()
    expect(() => server.address).toThrow(/not listening/)
    await server.listen()
    const { host, port } = server.address
    expect(host).toBe("127.0.0.1")
    expect((await fetch(`http://127.0.0.1:${port}/healthz`)).status).toBe(200)
    expect(log.entries).toMatchObject([{ level: "info", fields: { bind: `127.0.0.1:${port}` } }])
    await server.close()
    await server[Symbol.asyncDispose]()
    await expect(fetch(`http://127.0.0.1:${port}/healthz`)).rejects.toThrow()
  })

  it("can be served on every address", async () => {
    await using server = fixture({ bind: "*", port: 0 }).server
    await server.listen()
    expect((await fetch(`http://127.0.0.1:${server.address.port}/healthz`)).status).toBe(200)
  })

  it("say in one line why they cannot be served", async () => {
    const other = createServer().listen(0, "127.0.0.1")
    await new Promise((resolve) => other.once("listening", resolve))
    const address = other.address()
    const port = typeof address === "object" ? (address?.port ?? 0) : 0
    await using server = fixture({ bind: "127.0.0.1", port }).server
    await expect(server.listen()).rejects.toThrow(
      new OperatorError(`cannot listen on 127.0.0.1:${port} for metrics and health (EADDRINUSE)`),
    )
    other.close()
  })
})

describe("administrators' routes", () => {
  it("do not exist without a token", async () => {
    const { server } = fixture({ routes })
    const response = await server.inject({ url: "/admin/nothing", headers: { authorization } })
    expect(response.statusCode).toBe(404)
  })

  it("ask for the token", async () => {
    const { server } = fixture({ routes, token })
    for (const given of [undefined, "Bearer wrong", `Basic ${token.reveal()}`, `${authorization}x`, "Bearer "]) {
      const headers = given === undefined ? {} : { authorization: given }
      const response = await server.inject({ method: "POST", url: "/admin/queues/1", headers })
      expect([response.statusCode, response.headers["www-authenticate"]]).toEqual([401, "Bearer"])
    }
  })

  it("get parameters, query and body", async () => {
    const { server } = fixture({ routes, token })
    const headers = { authorization }
    const url = "/admin/queues/abc?reason=spam"
    const response = await server.inject({ method: "POST", url, headers, payload: { ttl: 1 } })
    expect([response.statusCode, response.json()]).toEqual([
      201,
      { params: { id: "abc" }, query: { reason: "spam" }, body: { ttl: 1 } },
    ])
    expect((await server.inject({ url: "/admin/nothing", headers })).json()).toEqual({})
  })

  it("tell the client nothing about a failure, and the log all", async () => {
    const { server, log } = fixture({ routes, token })
    const headers = { authorization }
    const response = await server.inject({ url: "/admin/broken", headers })
    expect([response.statusCode, response.json()]).toEqual([500, { error: "internal error" }])
    expect(log.entries).toMatchObject([{ level: "error", message: "admin request failed" }])
    const bad = await server.inject({
      method: "POST",
      url: "/admin/queues/1",
      headers: { ...headers, "content-type": "application/json" },
      payload: "{",
    })
    expect([bad.statusCode, bad.json()]).toEqual([400, { error: "bad request" }])
    expect(log.entries).toHaveLength(1)
  })
})

describe("hasBearerToken", () => {
  it.each([
    [authorization.replace("Bearer", "bearer"), false],
    ["Bearer abcdefghijklmnopqrst", true],
    ["bearer abcdefghijklmnopqrst", true],
    ["Bearer  abcdefghijklmnopqrst", false],
    ["Bearer abcdefghijklmnopqrst ", false],
    [undefined, false],
  ])("%j: %s", (header, right) => {
    expect(hasBearerToken(header, new Secret("abcdefghijklmnopqrst"))).toBe(right)
  })
})
