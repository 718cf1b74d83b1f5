// Administration as operators use it: a relay in one process, `sluice admin` in others.
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { type Result, type Running, sluice, start, temporaryFolder } from "./sluice.ts"

const TOKEN = "a-token-of-twenty-or-more"

let folder: Awaited<ReturnType<typeof temporaryFolder>>
let env: Record<string, string>
let relay: Running
let queue: string

const run = (args: readonly string[], more: Readonly<Record<string, string>> = {}): Promise<Result> =>
  sluice(args, { env: { ...env, ...more }, cwd: folder.path })

const admin = (...args: readonly string[]): Promise<Result> => run(["admin", ...args])

async function json(...args: readonly string[]): Promise<unknown> {
  const { code, stdout, stderr } = await admin(...args, "--json")
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" })
  return JSON.parse(stdout)
}

beforeAll(async () => {
  folder = await temporaryFolder()
  env = {
    SLUICE_DATA: join(folder.path, "data"),
    SLUICE_RELAY_PORT: "0",
    SLUICE_ADMIN_PORT: "0",
    SLUICE_ADMIN_TOKEN: TOKEN,
  }
  relay = start(["up"], { env, cwd: folder.path })
  await relay.said(/"message":"started"/)
  queue = (await run(["queue", "create", "--file", "inbox.json"])).stdout.trim()
})

afterAll(async () => {
  relay.child.kill("SIGTERM")
  await relay.ended
  await folder[Symbol.asyncDispose]()
})

describe("sluice admin", () => {
  it("shows statistics", async () => {
    expect(await json("stats")).toMatchObject({
      today: { relay: { qCreated: 1 } },
      sinceStart: { relay: { qCreated: 1 } },
    })
    const { stdout } = await admin("stats")
    expect(stdout).toMatch(/^day {2,}\d{4}-\d\d-\d\d$/m)
    expect(stdout).toMatch(/^qCreated {2,}1 this day, 1 since the start$/m)
    expect(stdout).not.toContain("qDeletedAll")
  })

  it("counts sessions", async () => {
    expect(await json("sessions")).toMatchObject({ sessions: { total: 0 } })
    expect((await admin("sessions")).stdout).toMatch(/^sessions\.total {2,}0$/m)
  })

  it("looks a queue up by its address", async () => {
    expect(await json("queue", queue)).toMatchObject({ status: "active", mode: "messaging", messages: 0 })
    expect((await admin("queue", queue)).stdout).toMatch(/^status {2,}active\nmode {2,}messaging\n/)
  })

  it("blocks and unblocks it", async () => {
    expect((await admin("block", queue, "--reason", "spam", "--notice", "60")).stdout).toBe(
      "blocked for spam, clients tell so for 60 s; it was active\n",
    )
    const { stdout } = await admin("block", queue, "--reason", "content", "--notice")
    expect(stdout).toBe(
      "it was blocked already, for spam, clients tell so for 60 s; now for content, clients tell so for ever\n",
    )
    expect((await admin("queue", queue)).stdout).toContain("blocked: content, clients tell so for ever")
    const sent = await run(["queue", "send", queue, "hello"])
    expect([sent.code, sent.stderr]).toEqual([1, expect.stringContaining("BLOCKED")])
    expect((await admin("unblock", queue)).stdout).toBe(
      "unblocked, it is active; it was blocked for content, clients tell so for ever\n",
    )
    expect(await json("unblock", queue)).toEqual({ result: "not-blocked", status: "active" })
  })

  it("copies the store", async () => {
    const { stdout } = await admin("snapshot", "first")
    expect(stdout).toBe(`${join(folder.path, "data", "backups", "first")}\n`)
    const again = await admin("snapshot", "first")
    expect(again).toEqual({ code: 1, stdout: "", stderr: "sluice: there is a snapshot of that name already\n" })
  })

  it("reloads certificates", async () => {
    expect(await json("reload")).toEqual({ result: "reloaded" })
  })

  it("deletes a queue, if that is meant", async () => {
    const unsure = await admin("delete", queue)
    expect([unsure.code, unsure.stderr]).toEqual([2, expect.stringContaining("--yes")])
    expect((await admin("delete", queue, "--yes")).stdout).toBe("deleted, with 0 messages\n")
    expect(await admin("queue", queue)).toEqual({ code: 1, stdout: "", stderr: "sluice: there is no such queue\n" })
  })

  it("reaches a relay elsewhere, by its URL", async () => {
    const requests: unknown[] = []
    const server = createServer((request, response) => {
      requests.push([request.method, request.url, request.headers.authorization])
      response.end('{"result":"draining","sessions":3}')
    }).listen(0, "127.0.0.1")
    await new Promise((resolve) => server.once("listening", resolve))
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    expect((await admin("drain", "--url", url)).stdout).toMatch(/^3 sessions are being ended;/)
    expect(requests).toEqual([["POST", "/admin/drain", `Bearer ${TOKEN}`]])
    server.close()
    server.closeAllConnections()
    const gone = await admin("drain", "--url", url)
    expect(gone).toEqual({
      code: 1,
      stdout: "",
      stderr: `sluice: ${url}: nothing listens there, is the relay running?\n`,
    })
  })

  it.each<[string, readonly string[], Readonly<Record<string, string>>, number, RegExp]>([
    ["no token", ["stats"], { SLUICE_ADMIN_TOKEN: "" }, 2, /^sluice: admin\.token is not set/],
    ["another token", ["stats"], { SLUICE_ADMIN_TOKEN: "another-token-of-twenty" }, 1, /another token/],
    ["no reason", ["block", "AAAA"], {}, 2, /required option '--reason <reason>'/],
    ["an unknown reason", ["block", "AAAA", "--reason", "x"], {}, 2, /spam, content/],
    ["no queue", ["queue", "§"], {}, 1, /^sluice: queue: an ID in base64url/],
    ["no URL", ["stats", "--url", "localhost"], {}, 2, /^sluice: --url: "localhost" is not allowed/],
  ])("refuses %s", async (_what, args, more, code, message) => {
    const result = await run(["admin", ...args], more)
    expect([result.code, result.stdout, result.stderr]).toEqual([code, "", expect.stringMatching(message)])
  })

  it("drains, which the process survives", async () => {
    expect(await json("drain")).toEqual({ result: "draining", sessions: 0 })
    expect((await run(["ping"])).code).toBe(1)
    expect(await json("sessions")).toMatchObject({ sessions: { total: 0 } })
  })

  it("leaves a log of what was done, without the queue", async () => {
    const text = await relay.said(/an administrator drains this relay/)
    for (const action of ["blocked a queue", "unblocked a queue", "deleted a queue", "took a snapshot"]) {
      expect(text).toContain(`an administrator ${action}`)
    }
    expect(text).not.toContain(queue.split("/").at(3)?.split("#")[0])
  })
})
