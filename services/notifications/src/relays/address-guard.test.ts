import { PassThrough } from "node:stream"
import type { Dial } from "@sluice/smp-client/dial"
import { describe, expect, it } from "vitest"
import { guardedDial, isPrivateAddress, RefusedAddress } from "./address-guard.ts"

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

describe("addresses of private networks", () => {
  it.each([
    ...["127.0.0.1", "10.1.2.3", "172.31.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1"],
    ...["::1", "::", "fe80::1", "fd00::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1"],
  ])("%s is one", (address) => expect(isPrivateAddress(address)).toBe(true))

  it.each(["1.1.1.1", "172.32.0.1", "192.169.0.1", "2606:4700::1111", "::ffff:1.1.1.1"])("%s is none", (address) =>
    expect(isPrivateAddress(address)).toBe(false),
  )
})

describe("a guarded dial", () => {
  it("refuses them, also behind a name, and connects to nothing", async () => {
    const { dial, asked } = recorder()
    let usable = 0
    const guarded = guardedDial(dial, { allowPrivate: false, onUsable: () => usable++ })
    for (const host of ["127.0.0.1", "::1", "localhost", "abcdef.onion"]) {
      await expect(guarded({ host, port: 5223 }, signal)).rejects.toBeInstanceOf(RefusedAddress)
    }
    expect([asked, usable]).toEqual([[], 0])
  })

  it("connects to the others, and says that they may be tried again when that fails", async () => {
    const { dial, asked } = recorder("1.1.1.1")
    let usable = 0
    const guarded = guardedDial(dial, { allowPrivate: false, onUsable: () => usable++ })
    await guarded({ host: "1.0.0.1", port: 5223 }, signal)
    await expect(guarded({ host: "1.1.1.1", port: 5223 }, signal)).rejects.toThrow("unreachable")
    await expect(guarded({ host: "no-such-host.invalid", port: 5223 }, signal)).rejects.toThrow()
    expect([asked, usable]).toEqual([["1.0.0.1", "1.1.1.1"], 3])
  })

  it("connects to private ones where that is allowed, but never to onion names", async () => {
    const { dial, asked } = recorder()
    const guarded = guardedDial(dial, { allowPrivate: true, onUsable: () => undefined })
    await guarded({ host: "127.0.0.1", port: 5223 }, signal)
    await expect(guarded({ host: "abcdef.ONION", port: 5223 }, signal)).rejects.toBeInstanceOf(RefusedAddress)
    expect(asked).toEqual(["127.0.0.1"])
  })
})
