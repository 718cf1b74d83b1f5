import { once } from "node:events"
import { connect, createServer, type Server, type Socket } from "node:net"
import { networkInterfaces } from "node:os"
import { ManualClock } from "@sluice/ops/manual-clock"
import { recordingLog } from "@sluice/ops/recording-log"
import { describe, expect, it } from "vitest"
import { type ListenComponents, Listener, type ListenOptions } from "./listener.ts"

const HAS_IPV6 = Object.values(networkInterfaces()).some((list) => list?.some(({ address }) => address === "::1"))

function listener(options: Partial<ListenOptions>, components: Partial<ListenComponents> = {}) {
  const clock = new ManualClock()
  const log = recordingLog()
  const acceptErrors = { value: 0 }
  const sockets: Socket[] = []
  const made = new Listener(
    {
      binds: [{ host: "127.0.0.1", port: 0 }],
      backlog: 16,
      keepAlive: 1_000,
      onSocket: (socket) => sockets.push(socket.on("error", () => socket.destroy())),
      ...options,
    },
    { clock, log, acceptErrors, ...components },
  )
  return { listener: made, clock, log, acceptErrors, sockets }
}

async function reach(sockets: readonly Socket[], host: string, port: number): Promise<void> {
  const before = sockets.length
  const client = connect(port, host)
  while (sockets.length === before) await new Promise((resolve) => setImmediate(resolve))
  client.destroy()
  sockets.at(-1)?.destroy()
}

describe("Listener", () => {
  it("counts failures to accept, logs some of them, and goes on", async () => {
    const servers: Server[] = []
    const fixture = listener(
      {},
      {
        createServer: (options) => {
          const server = createServer(options)
          servers.push(server)
          return server
        },
      },
    )
    await fixture.listener.start()
    const fail = (): void => {
      for (let i = 0; i < 50; i++) servers[0]?.emit("error", Object.assign(new Error("accept"), { code: "EMFILE" }))
    }
    fail()
    expect([fixture.acceptErrors.value, fixture.log.entries.length]).toEqual([50, 1])
    fixture.clock.advance(9_999)
    fail()
    expect([fixture.acceptErrors.value, fixture.log.entries.length]).toEqual([100, 1])
    fixture.clock.advance(1)
    fail()
    expect([fixture.acceptErrors.value, fixture.log.entries.length]).toEqual([150, 2])
    await reach(fixture.sockets, "127.0.0.1", fixture.listener.addresses[0]?.port ?? 0)
    await fixture.listener.stop()
    expect(fixture.sockets).toHaveLength(1)
  })

  it("hands sockets over before anything is read from them", async () => {
    const fixture = listener({})
    await fixture.listener.start()
    const client = connect(fixture.listener.addresses[0]?.port ?? 0, "127.0.0.1")
    client.write("hello")
    await once(client, "connect")
    while (fixture.sockets.length === 0) await new Promise((resolve) => setImmediate(resolve))
    const [socket] = fixture.sockets
    expect([socket?.isPaused(), socket?.readableLength, socket?.bytesRead]).toEqual([true, 0, 0])
    client.destroy()
    socket?.destroy()
    await fixture.listener.stop()
  })

  it("listens nowhere after it gave up, and can be stopped twice", async () => {
    const { listener: made } = listener({})
    await expect(made.start(AbortSignal.abort(new Error("told to stop")))).rejects.toThrow("told to stop")
    expect(made.addresses).toEqual([])
    await made.stop()
    await made.stop()
  })

  it.skipIf(process.platform !== "linux")("shares a port with others that share it, and only then", async () => {
    const first = listener({ sharePort: true })
    await first.listener.start()
    const binds = [{ host: "127.0.0.1", port: first.listener.addresses[0]?.port ?? 0 }]
    await expect(listener({ binds }).listener.start()).rejects.toThrow("EADDRINUSE")
    const second = listener({ binds, sharePort: true })
    await second.listener.start()
    expect(second.listener.addresses).toEqual(binds)
    await Promise.all([first.listener.stop(), second.listener.stop()])
  })

  it("says in one line that a system cannot share ports", async () => {
    const { listener: made } = listener(
      { sharePort: true },
      {
        createServer: () => {
          const server = createServer()
          server.listen = () => {
            setImmediate(() => server.emit("error", Object.assign(new Error("listen ENOTSUP"), { code: "ENOTSUP" })))
            return server
          }
          return server
        },
      },
    )
    await expect(made.start()).rejects.toThrow(
      "cannot listen on 127.0.0.1:0 (this system cannot share a port among processes)",
    )
  })

  it.skipIf(!HAS_IPV6)("takes one port for IPv4 and for IPv6", async () => {
    const first = listener({})
    await first.listener.start()
    const port = first.listener.addresses[0]?.port ?? 0
    await first.listener.stop()
    const hosts = ["0.0.0.0", "::"]
    const { listener: both, sockets } = listener({ binds: hosts.map((host) => ({ host, port })) })
    await both.start()
    expect(both.addresses).toEqual(hosts.map((host) => ({ host, port })))
    await reach(sockets, "127.0.0.1", port)
    await reach(sockets, "::1", port)
    await both.stop()
  })
})
