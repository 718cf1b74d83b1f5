import { createServer, type Server } from "node:http"
import { silentLog } from "@sluice/ops/recording-log"
import { Secret } from "@sluice/ops/secret"
import { afterEach, expect, it } from "vitest"
import { combine, fleetMetrics, fleetRoutes, type MemberAdmin } from "./member-admin.ts"

const servers: Server[] = []

afterEach(() => {
  for (const server of servers.splice(0)) server.close()
})

/** A member's server for operators: answers by path, and the requests that came. */
async function member(index: number, answers: Readonly<Record<string, [number, unknown]>>) {
  const requests: string[] = []
  const server = createServer((request, response) => {
    let body = ""
    request.setEncoding("utf8").on("data", (text: string) => {
      body += text
    })
    request.on("end", () => {
      requests.push(`${request.method} ${request.url} ${request.headers.authorization} ${body}`)
      const [status, answer] = answers[request.url ?? ""] ?? [404, { error: "not found" }]
      response.writeHead(status).end(typeof answer === "string" ? answer : JSON.stringify(answer))
    })
  })
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  const { port } = server.address() as { readonly port: number }
  return { index, adminPort: port, requests }
}

function routes(members: readonly MemberAdmin[], restart = () => Promise.resolve()) {
  const all = fleetRoutes({ members: () => members, token: new Secret("token"), restart, log: silentLog })
  return (path: string, body?: object) => {
    const found = all.find((route) => route.path === path)
    if (found === undefined) throw new Error(`no route ${path}`)
    return found.handle({ params: {}, query: {}, body })
  }
}

it("adds figures up, but not what all members know of the one store", async () => {
  const figures = (sent: number) => ({ day: "2025-05-30", today: { relay: { sent } }, stored: { queues: 7 } })
  const members = [
    await member(0, { "/admin/statistics": [200, figures(1)] }),
    await member(1, { "/admin/statistics": [200, figures(2)] }),
  ]
  expect(await routes(members)("/statistics")).toEqual({
    status: 200,
    body: { day: "2025-05-30", today: { relay: { sent: 3 } }, stored: { queues: 7 } },
  })
  expect(members[1]?.requests).toEqual(["GET /admin/statistics Bearer token "])
  expect(combine([{ active: 1 }, {}])).toEqual({ active: 1 })
})

it("lets one member do what is about a queue, and tells its answer as it is", async () => {
  const first = await member(0, { "/admin/queue/delete": [404, { error: "there is no such queue" }] })
  const second = await member(1, {})
  expect(await routes([first, second])("/queue/delete", { queue: "x" })).toEqual({
    status: 404,
    body: { error: "there is no such queue" },
  })
  expect(first.requests).toEqual(['POST /admin/queue/delete Bearer token {"queue":"x"}'])
  expect(second.requests).toEqual([])
})

it("lets all do what is about processes, and tells when one failed", async () => {
  const good = await member(0, { "/admin/certificates/reload": [200, { result: "reloaded" }] })
  const bad = await member(1, { "/admin/certificates/reload": [422, { error: "they do not fit" }] })
  expect(await routes([good, good])("/certificates/reload")).toEqual({ status: 200, body: { result: "reloaded" } })
  expect(await routes([good, bad])("/certificates/reload")).toEqual({ status: 422, body: { error: "they do not fit" } })
  expect(await routes([good, { index: 2, adminPort: 1 }])("/certificates/reload")).toEqual({
    status: 503,
    body: { error: "relay process 2 did not answer" },
  })
  expect(await routes([])("/drain")).toEqual({
    status: 503,
    body: { error: "no relay process serves at the moment" },
  })
})

it("begins a restart and does not wait for it", async () => {
  let restarts = 0
  const restart = (): Promise<void> => {
    restarts++
    return Promise.reject(new Error("it did not come back"))
  }
  const answer = await routes([await member(0, {})], restart)("/restart")
  expect([answer, restarts]).toEqual([{ status: 202, body: { result: "restarting", processes: 1 } }, 1])
})

it("leaves the figures of a member out that does not answer", async () => {
  const good = await member(1, { "/metrics": [200, "# TYPE a counter\na 1\n"] })
  const text = await fleetMetrics("# TYPE own gauge\nown 2\n", [{ index: 0, adminPort: 1 }, good])
  expect(text.split("\n")).toEqual(["# TYPE own gauge", "own 2", "", "# TYPE a counter", 'a{worker="1"} 1', ""])
})
