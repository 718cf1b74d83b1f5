import { once } from "node:events"
import { type AddressInfo, createServer, type Server } from "node:net"
import { resolveByDns } from "@sluice/ops/resolve-by-dns"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { directDial, RefusedAddressError } from "./direct-dial.ts"

const NEVER = new AbortController().signal
/** Two loopback addresses: one stands for the public internet, the other for what is private. */
const OUTSIDE = "127.0.0.2"
const INSIDE = "127.0.0.1"
const isAllowed = (address: string): boolean => address === OUTSIDE

let server: Server
let port: number
/** Addresses that connections came in on. */
let reached: (string | undefined)[] = []

beforeAll(async () => {
  server = createServer((socket) => {
    reached.push(socket.localAddress)
    socket.on("error", () => undefined).resume()
  }).listen(0, "0.0.0.0")
  await once(server, "listening")
  port = (server.address() as AddressInfo).port
})
afterAll(() => server.close())

describe("directDial", () => {
  it("refuses private addresses without connecting", async () => {
    const resolve = (): Promise<never> => Promise.reject(new Error("an address needs no look-up"))
    for (const host of [INSIDE, "::1", "10.0.0.1", "::ffff:127.0.0.1"]) {
      const dial = directDial({ allowPrivate: false, resolve })
      await expect(dial({ host, port }, NEVER)).rejects.toThrow(RefusedAddressError)
    }
  })

  it("refuses names that lead to private addresses", async () => {
    const dial = directDial({ allowPrivate: false, resolve: () => Promise.resolve([INSIDE, "10.1.2.3", "fd00::1"]) })
    await expect(dial({ host: "rebind.example.com", port }, NEVER)).rejects.toThrow(RefusedAddressError)
  })

  it("refuses names without addresses", async () => {
    const dial = directDial({ allowPrivate: false, resolve: () => Promise.resolve([]) })
    await expect(dial({ host: "nothing.example.com", port }, NEVER)).rejects.toThrow(RefusedAddressError)
  })

  it("connects to the allowed ones of several addresses, and to what was judged", async () => {
    reached = []
    const answers = [[INSIDE, OUTSIDE], [INSIDE]]
    let asked = 0
    const resolve = (name: string): Promise<string[]> => {
      expect(name).toBe("relay.example.com")
      return Promise.resolve(answers[asked++] ?? [])
    }
    const socket = await directDial({ allowPrivate: false, resolve, isAllowed })(
      { host: "relay.example.com", port },
      NEVER,
    )
    socket.destroy()
    // A name that changes its answer after it was judged is not asked again.
    expect(asked).toBe(1)
    expect(reached).toEqual([OUTSIDE])
  })

  it("connects to an address", async () => {
    reached = []
    const socket = await directDial({ allowPrivate: false, isAllowed })({ host: OUTSIDE, port }, NEVER)
    socket.destroy()
    expect(reached).toEqual([OUTSIDE])
  })

  it("looks at where the connection went in the end", async () => {
    let judged = 0
    // Allowed when it is chosen, not allowed when it is reached.
    const dial = directDial({ allowPrivate: false, isAllowed: () => judged++ === 0 })
    await expect(dial({ host: OUTSIDE, port }, NEVER)).rejects.toThrow(RefusedAddressError)
    expect(judged).toBe(2)
  })

  it("passes on why a connection failed", async () => {
    const closed = createServer().listen(0, OUTSIDE)
    await once(closed, "listening")
    const { port: unused } = closed.address() as AddressInfo
    closed.close()
    await once(closed, "close")
    const dialed = directDial({ allowPrivate: false, isAllowed })({ host: OUTSIDE, port: unused }, NEVER)
    await expect(dialed).rejects.toMatchObject({ code: "ECONNREFUSED" })
  })

  it("connects anywhere if private addresses are allowed", async () => {
    const socket = await directDial({ allowPrivate: true })({ host: "localhost", port }, NEVER)
    socket.destroy()
  })

  it("gives up when its signal is aborted: before, during the look-up, during the connection", async () => {
    const gone = new Error("gone")
    const dial = directDial({ allowPrivate: false, isAllowed })
    await expect(dial({ host: OUTSIDE, port }, AbortSignal.abort(gone))).rejects.toBe(gone)

    const lookUp = new AbortController()
    const slow = directDial({
      allowPrivate: false,
      isAllowed,
      resolve: async (_name, signal) => {
        await once(signal, "abort")
        return [OUTSIDE]
      },
    })
    const dialed = slow({ host: "slow.example.com", port }, lookUp.signal)
    lookUp.abort(gone)
    await expect(dialed).rejects.toBe(gone)

    const connection = new AbortController()
    const connecting = dial({ host: OUTSIDE, port }, connection.signal)
    connection.abort(gone)
    await expect(connecting).rejects.toBe(gone)
  })
})

describe("resolveByDns", () => {
  it("gives nothing for what cannot be a name, and for a look-up that is given up", async () => {
    expect(await resolveByDns("not a name", NEVER)).toEqual([])
    const abort = new AbortController()
    const resolving = resolveByDns("relay.example.com", abort.signal)
    abort.abort()
    expect(await resolving).toEqual([])
  })
})
