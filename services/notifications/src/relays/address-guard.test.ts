import { PassThrough } from "node:stream"
import type { Dial } from "@sluice/smp-client/dial"
import { describe, expect, it } from "vitest"
import { guardedDial, RefusedAddress } from "./address-guard.ts"

const signal = new AbortController().signal

/** A dial that reaches every address but those given, and notes what it was asked for. */
function recorder(...unreachable: string[]): { readonly dial: Dial; readonly asked: string[] } {
  const asked: string[] = []
  return {
    asked,
    dial: ({ host }) => {
      asked.push(host)
      return unreachable.includes(host) ? Promise.reject(new Error("unreachable")) : Promise.resolve(new PassThrough())
    },
  }
}

describe("a guarded dial", () => {
  it("refuses them, also behind a name, and connects to nothing", async () => {
    const { dial, asked } = recorder()
    let usable = 0
    const resolve = (name: string): Promise<string[]> => Promise.resolve([name === "inside.example" ? "10.0.0.1" : ""])
    const guarded = guardedDial(dial, { allowPrivate: false, onUsable: () => usable++, resolve })
    const hosts = [
      "127.0.0.1",
      "::1",
      "localhost",
      "inside.example",
      "abcdef.onion",
      "ABCDEF.ONION.",
      "169.254.169.254",
      "::ffff:10.0.0.1",
      "::127.0.0.1",
    ]
    // IPv6 in which an IPv4 address hides that a translator on the way could bring back: NAT64, 6to4, Teredo.
    for (const host of [...hosts, "64:ff9b::7f00:1", "64:ff9b:1::7f00:1", "2002:7f00:1::", "2001::1", "fec0::1"]) {
      await expect(guarded({ host, port: 5223 }, signal)).rejects.toBeInstanceOf(RefusedAddress)
    }
    expect([asked, usable]).toEqual([[], 0])
  })

  it("connects to the others, and says that they may be tried again when that fails", async () => {
    const { dial, asked } = recorder("1.1.1.1")
    let usable = 0
    const resolve = (name: string): Promise<string[]> => Promise.resolve(name === "relay.example" ? ["1.0.0.2"] : [])
    const guarded = guardedDial(dial, { allowPrivate: false, onUsable: () => usable++, resolve })
    await guarded({ host: "1.0.0.1", port: 5223 }, signal)
    await expect(guarded({ host: "1.1.1.1", port: 5223 }, signal)).rejects.toThrow("unreachable")
    await expect(guarded({ host: "no-such-host.invalid", port: 5223 }, signal)).rejects.toThrow()
    await guarded({ host: "relay.example", port: 5223 }, signal)
    expect([asked, usable]).toEqual([["1.0.0.1", "1.1.1.1", "1.0.0.2"], 4])
  })

  it("connects to private ones where that is allowed, but never to onion names", async () => {
    const { dial, asked } = recorder()
    const guarded = guardedDial(dial, { allowPrivate: true, onUsable: () => undefined })
    await guarded({ host: "127.0.0.1", port: 5223 }, signal)
    await expect(guarded({ host: "abcdef.ONION", port: 5223 }, signal)).rejects.toBeInstanceOf(RefusedAddress)
    expect(asked).toEqual(["127.0.0.1"])
  })
})
