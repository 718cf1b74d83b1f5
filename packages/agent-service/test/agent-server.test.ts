import { readFileSync } from "node:fs"
import { join } from "node:path"
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest"
import { WebSocket } from "ws"
import { z } from "zod"
import { referenceDocument } from "../src/reference.ts"
import { agentEvent } from "../src/schema/events.ts"
import { jsonSchema } from "../src/schema/frames.ts"
import { OPERATIONS } from "../src/schema/operations.ts"
import { TestClient } from "./client.ts"
import { Programs, read, TOKEN, text } from "./programs.ts"

const root = join(import.meta.dirname, "..", "..", "..")

let programs: Programs

beforeAll(async () => {
  programs = await Programs.start()
})
afterEach(() => programs.end())
afterAll(() => programs[Symbol.asyncDispose]())

describe("two programs", () => {
  it("connect, talk and get receipts; what they are told is as the schema says", async () => {
    const { alice, bob, a, b } = await programs.pair()
    const { messageId } = await alice.call("sendMessage", { connectionId: a, body: text("hello") })
    const message = await bob.event("message")
    expect(() => agentEvent.parse(message)).not.toThrow()
    expect(read(message["body"])).toBe("hello")
    const { messageId: received } = message["meta"] as Record<string, unknown>
    await bob.call("acknowledge", { connectionId: b, messageId: received, receipt: true })
    const receipt = await alice.event("receipt")
    expect(() => agentEvent.parse(receipt)).not.toThrow()
    expect(receipt["receipts"]).toEqual([{ messageId, status: "ok" }])
    const info = await alice.call("connection", { connectionId: a })
    expect(() => OPERATIONS["connection"]?.result.parse(info)).not.toThrow()
    expect(info).toMatchObject({ kind: "duplex", sync: "ok" })
    expect(await alice.call("securityCode", { connectionId: a })).toEqual(
      await bob.call("securityCode", { connectionId: b }),
    )
    // The receipt, which is not acknowledged.
    expect(await alice.call("queueInfo", { connectionId: a })).toMatchObject({
      ...{ secured: true, hasNotifier: false, size: 1, first: { type: "message" } },
    })
    expect(await alice.call("testServer", { address: programs.address })).toEqual({})
    await bob.call("deleteConnectionNow", { connectionId: b })
    expect(await bob.call("connections")).toEqual({ connectionIds: [] })
  })

  it("get what they have not answered when they come back, until they answer", async () => {
    const { alice, bob, a, b, port } = await programs.pair()
    bob.socket.terminate()
    await bob.closed
    await alice.call("sendMessage", { connectionId: a, body: text("are you there?") })
    await alice.event("sent")
    const again = await programs.program(port)
    const message = await again.event("message")
    const { messageId } = message["meta"] as Record<string, unknown>
    using third = await TestClient.connect(port, TOKEN)
    await third.call("listen")
    expect(await third.event("message")).toEqual(message)
    await again.call("acknowledge", { connectionId: b, messageId })
    using fourth = await TestClient.connect(port, TOKEN)
    await fourth.call("listen")
    // The answer to this call comes after all events that waited.
    await fourth.call("users")
    await expect(Promise.race([fourth.event("message"), fourth.call("users").then(() => "none")])).resolves.toBe("none")
  })
})

describe("who may connect", () => {
  it("needs the token, no origin of a web page, and the machine's own name", async () => {
    const port = await programs.service()
    await expect(TestClient.connect(port, "")).rejects.toThrow("status 401")
    await expect(TestClient.connect(port, "another-token-of-some-length")).rejects.toThrow("status 401")
    await expect(TestClient.connect(port, TOKEN, { origin: "https://evil.example" })).rejects.toThrow("status 403")
    await expect(TestClient.connect(port, TOKEN, { host: "evil.example" })).rejects.toThrow("status 403")
    using good = await TestClient.connect(port, TOKEN)
    expect((await good.frame((frame) => frame.hello !== undefined)).hello).toMatchObject({ protocol: 1 })
  })

  it("can offer the token as a subprotocol, as pages have to", async () => {
    const port = await programs.service()
    const socket = new WebSocket(`ws://127.0.0.1:${port}/agent`, ["sluice-agent", `bearer.${TOKEN}`])
    using client = await TestClient.open(socket)
    expect(socket.protocol).toBe("sluice-agent")
    expect(await client.call("users")).toEqual({ userIds: [] })
  })
})

describe("wrong calls", () => {
  it("are answered with what is wrong", async () => {
    using client = await TestClient.connect(await programs.service(), TOKEN)
    await expect(client.call("fly")).rejects.toThrow('"code":"REQUEST"')
    await expect(client.call("constructor")).rejects.toThrow('"code":"REQUEST"')
    await expect(client.call("createUser", { servers: [{ address: "smp://x" }] })).rejects.toThrow('"code":"REQUEST"')
    await expect(client.call("users", { more: 1 })).rejects.toThrow('"code":"REQUEST"')
    const connectionId = text("nobody knows")
    await expect(client.call("connection", { connectionId })).rejects.toThrow('"code":"CONN"')
    client.socket.send("no JSON")
    expect((await client.frame((frame) => frame.id === null)).error).toMatchObject({ code: "REQUEST" })
    client.socket.send(Buffer.from("binary"))
    expect(await client.closed).toBe(1003)
  })

  it("with too many bytes end the connection", async () => {
    using client = await TestClient.connect(await programs.service(), TOKEN)
    client.socket.send(JSON.stringify({ id: 1, call: "users", params: "x".repeat(1_100_000) }))
    expect(await client.closed).toBe(1009)
  })
})

it("says goodbye when it stops", async () => {
  const port = await programs.service()
  using client = await TestClient.connect(port, TOKEN)
  await client.call("users")
  await programs.stopFirst()
  expect(await client.closed).toBe(1001)
})

describe("the documents", () => {
  it("are what `sluice agent reference` and `sluice agent schema` print", () => {
    expect(readFileSync(join(root, "docs/agent-service.md"), "utf8")).toBe(referenceDocument())
    const schema = JSON.parse(readFileSync(join(root, "docs/agent-service.schema.json"), "utf8"))
    expect(schema).toEqual(jsonSchema())
  })

  it("the README shows the example that works here", () => {
    const example = readFileSync(join(import.meta.dirname, "example.ts"), "utf8")
    expect(readFileSync(join(root, "packages/agent-service/README.md"), "utf8")).toContain(`\`\`\`ts\n${example}\`\`\``)
  })

  it("every operation can be described", () => {
    for (const { params, result } of Object.values(OPERATIONS)) {
      expect(z.toJSONSchema(params, { io: "input" })).toHaveProperty("type", "object")
      expect(z.toJSONSchema(result, { io: "output" })).toHaveProperty("type", "object")
    }
  })
})
