import { spawn } from "node:child_process"
import { randomBytes } from "node:crypto"
import { once } from "node:events"
import { connect as connectTcp, type Socket } from "node:net"
import { join } from "node:path"
import { utf8 } from "@sluice/encoding/bytes"
import { ManualClock } from "@sluice/ops/manual-clock"
import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import { newCredentials, serve, TOY_BLOCK, ToyClient, until } from "../test/toy.ts"

function rawConnection(port: number): Socket {
  const socket = connectTcp(port, "127.0.0.1")
  socket.on("error", () => socket.destroy())
  return socket
}

async function retried<T>(attempt: () => Promise<T>): Promise<T> {
  for (let left = 100; left > 0; left--) {
    try {
      return await attempt()
    } catch {
      await new Promise((resolve) => setImmediate(resolve))
    }
  }
  return await attempt()
}

describe("listening", () => {
  it("serves sessions, and counts every socket in and out", async () => {
    await using fixture = await serve()
    const client = await fixture.connect()
    client.send("one", "two")
    expect(await client.next()).toEqual(["one", "two"])
    client.stream.end()
    await client.closed
    await until(() => fixture.metrics.closed.value === 1)
    const { accepted, closed, levels } = fixture.metrics
    expect(accepted.value - closed.value).toBe(0)
    expect(Object.values(levels().connections).reduce((a, b) => a + b)).toBe(0)
    expect(fixture.ends).toEqual(["ended"])
  })

  it("names the address that it can't listen on, and leaves nothing bound", async () => {
    await using fixture = await serve()
    const taken = fixture.port()
    await expect(
      serve({
        extra: {
          listen: [
            { host: "127.0.0.1", port: 0 },
            { host: "127.0.0.1", port: taken },
          ],
        },
      }),
    ).rejects.toThrow(`cannot listen on 127.0.0.1:${taken} (EADDRINUSE)`)
  })

  it("uses new credentials for new connections", async () => {
    await using fixture = await serve()
    const before = await fixture.connect()
    const renewed = newCredentials()
    fixture.server.useCredentials(renewed)
    const after = await fixture.connect(renewed.fingerprint)
    await expect(fixture.connect()).rejects.toThrow("UNKNOWNCA")
    before.send("old")
    after.send("new")
    expect(await before.next()).toEqual(["old"])
    expect(await after.next()).toEqual(["new"])
  })

  it("goes on when there are no file descriptors left", async () => {
    const child = spawn(
      "sh",
      ["-c", 'ulimit -n 64; exec "$0" "$1"', process.execPath, join(import.meta.dirname, "../test/few-descriptors.ts")],
      { stdio: ["ignore", "inherit", "inherit", "ipc"] },
    )
    const [{ port, fingerprint }] = (await once(child, "message")) as [{ port: number; fingerprint: string }]
    // The runtime closes those that it has no descriptor for; who is connected already is not touched.
    const sockets = Array.from({ length: 100 }, () => rawConnection(port))
    const open = new Set(sockets)
    for (const socket of sockets) socket.once("close", () => open.delete(socket))
    await until(() => open.size < sockets.length)
    for (const socket of sockets) socket.destroy()
    // It may take the server a while to notice that it has descriptors again.
    const client = await retried(() => ToyClient.connect(port, Buffer.from(fingerprint, "hex")))
    client.send("still here")
    expect(await client.next()).toEqual(["still here"])
    client.stream.destroy()
    expect(child.exitCode).toBeNull()
    child.disconnect()
    await once(child, "exit")
  })
})

describe("limits", () => {
  it("closes connections over the limit of the process", async () => {
    await using fixture = await serve({ settings: { maxConnections: 1 } })
    const first = await fixture.connect()
    await expect(fixture.connect()).rejects.toThrow()
    expect(fixture.metrics.refused.connections.value).toBe(1)
    first.stream.end()
    await until(() => fixture.metrics.closed.value === 2)
    await fixture.connect()
  })

  it("closes connections over the limit of a source, and forgets sources", async () => {
    await using fixture = await serve({ settings: { maxPerSource: 2 } })
    const clients = [await fixture.connect(), await fixture.connect()]
    await expect(fixture.connect()).rejects.toThrow()
    expect(fixture.metrics.refused.per_source.value).toBe(1)
    for (const client of clients) client.stream.end()
    await until(() => fixture.metrics.closed.value === 3)
    await fixture.connect()
  })

  it("closes connections over the rate of a source", async () => {
    const clock = new ManualClock()
    await using fixture = await serve({ clock, settings: { newPerSourcePerMinute: 60, newPerSourceBurst: 1 } })
    await fixture.connect()
    await expect(fixture.connect()).rejects.toThrow()
    expect(fixture.metrics.refused.source_rate.value).toBe(1)
    clock.advance(1_000)
    await fixture.connect()
  })

  it("lets handshakes wait for a place, in a bounded line", async () => {
    await using fixture = await serve({ settings: { maxHandshakes: 1, maxWaitingHandshakes: 1 } })
    const silent = rawConnection(fixture.port())
    await until(() => fixture.metrics.levels().connections.tls === 1)
    const waiting = fixture.connect()
    await until(() => fixture.metrics.levels().connections.waiting === 1)
    await expect(fixture.connect()).rejects.toThrow()
    expect(fixture.metrics.refused.waiting_handshakes.value).toBe(1)
    silent.destroy()
    const client = await waiting
    client.send("my turn")
    expect(await client.next()).toEqual(["my turn"])
  })

  it("closes connections that don't set up TLS in time", async () => {
    const clock = new ManualClock()
    await using fixture = await serve({ clock, settings: { tlsTimeout: 1_000 } })
    const silent = rawConnection(fixture.port())
    await until(() => fixture.metrics.levels().connections.tls === 1)
    clock.advance(1_000)
    await once(silent, "close")
    expect(fixture.metrics.tlsFailures.timeout.value).toBe(1)
  })

  it("closes idle sessions, but not those with subscriptions", async () => {
    const clock = new ManualClock()
    let subscribed = true
    await using fixture = await serve({
      clock,
      settings: { idleTimeout: 1_000, idleCheckInterval: 100 },
      handler: () => ({ subscribed: () => subscribed }),
    })
    const client = await fixture.connect()
    client.send("hello")
    await client.next()
    clock.advance(5_000)
    client.send("still open")
    expect(await client.next()).toEqual(["still open"])
    subscribed = false
    clock.advance(5_000)
    await client.closed
    await until(() => fixture.ends.length === 1)
    expect(fixture.ends).toEqual(["idle"])
  })
})

describe("bad input", () => {
  it("answers what it can't read, and goes on", async () => {
    await using fixture = await serve()
    const client = await fixture.connect()
    client.send("bad one", "good")
    expect(await client.next()).toEqual(["refused bad one"])
    expect(await client.next()).toEqual(["good"])
    expect(fixture.metrics.parseErrors.value).toBe(1)
  })

  it("survives any blocks and serves the next client", async () => {
    await using fixture = await serve()
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.uint8Array({ minLength: 1, maxLength: 1_500 }), { maxLength: 4 }),
        async (chunks) => {
          const client = await fixture.connect()
          for (const chunk of chunks) {
            const block = new Uint8Array(TOY_BLOCK)
            block.set(chunk.subarray(0, TOY_BLOCK))
            client.stream.write(block)
          }
          client.send("alive")
          for (;;) if ((await client.next()).includes("alive")) break
          client.stream.end()
          await client.closed
        },
      ),
      { numRuns: 25 },
    )
    expect(fixture.metrics.defects.value).toBe(0)
  })

  it("survives what is not TLS", async () => {
    await using fixture = await serve()
    for (let i = 0; i < 10; i++) {
      const socket = rawConnection(fixture.port())
      socket.write(randomBytes(300))
      await once(socket, "close")
    }
    expect(fixture.metrics.tlsFailures.alert.value + fixture.metrics.tlsFailures.closed.value).toBe(10)
    const client = await fixture.connect()
    client.send("fine")
    expect(await client.next()).toEqual(["fine"])
  })

  it("survives connections that end in the middle of everything", async () => {
    await using fixture = await serve()
    for (let i = 0; i < 5; i++) {
      const client = await fixture.connect()
      client.send("x")
      client.stream.destroy()
    }
    rawConnection(fixture.port()).destroy()
    await until(
      () => fixture.metrics.accepted.value >= 5 && fixture.metrics.closed.value === fixture.metrics.accepted.value,
    )
  })
})

describe("defects", () => {
  it("cost the commands of their block an answer, are logged, and end nothing", async () => {
    await using fixture = await serve({
      handler: () => ({
        handle: (commands) => {
          if (commands.includes("throw")) throw new Error("a mistake")
          if (commands.includes("reject")) return Promise.reject(new Error("a mistake"))
          return commands.map((command) => utf8(command))
        },
      }),
    })
    const client = await fixture.connect()
    client.send("throw", "too")
    expect(await client.next()).toEqual(["failed throw", "failed too"])
    client.send("reject")
    expect(await client.next()).toEqual(["failed reject"])
    client.send("fine")
    expect(await client.next()).toEqual(["fine"])
    expect(fixture.metrics.defects.value).toBe(2)
    expect(fixture.log.entries.filter(({ level }) => level === "error")).toHaveLength(2)
  })

  it("in slow commands are answered, too", async () => {
    await using fixture = await serve({
      handler: (session) => ({
        handle: ([command = ""]) => {
          session.answerLater(command, Promise.reject(new Error("a mistake")))
          return []
        },
      }),
    })
    const client = await fixture.connect()
    client.send("slow")
    expect(await client.next()).toEqual(["failed slow"])
    expect(fixture.metrics.defects.value).toBe(1)
  })
})

describe("stopping", () => {
  it("finishes what was read, and then closes", async () => {
    const gate = Promise.withResolvers<void>()
    await using fixture = await serve({
      handler: () => ({
        handle: async (commands) => {
          await gate.promise
          return commands.map((command) => utf8(command))
        },
      }),
    })
    const client = await fixture.connect()
    client.send("begun")
    await until(() => fixture.metrics.commandsIn.value === 1)
    const stopped = fixture.server.stop(new AbortController().signal)
    gate.resolve()
    expect(await client.next()).toEqual(["begun"])
    await client.closed
    await stopped
    expect(fixture.ends).toEqual(["drained"])
    await expect(fixture.connect()).rejects.toThrow()
  })

  it("cuts what is left when time is up", async () => {
    await using fixture = await serve({ handler: () => ({ handle: () => new Promise<never>(() => undefined) }) })
    const client = await fixture.connect()
    client.send("never answered")
    await until(() => fixture.metrics.commandsIn.value === 1)
    const deadline = new AbortController()
    const stopped = fixture.server.stop(deadline.signal)
    deadline.abort()
    await stopped
    await client.closed
    expect(fixture.metrics.accepted.value).toBe(fixture.metrics.closed.value)
  })
})
