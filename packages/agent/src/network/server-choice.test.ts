import type { ServerAddress } from "@sluice/encoding/server-address"
import { describe, expect, it } from "vitest"
import { chooseServer, isKnown, serversFor } from "./server-choice.ts"
import type { ServerSetting } from "./settings.ts"

function server(host: string, more: Partial<ServerSetting> = {}): ServerSetting {
  const address: ServerAddress = { scheme: "smp", hosts: [host], port: "", keyHash: new Uint8Array(32) }
  return { address, ...more }
}

const first = () => 0
const last = () => 0.999

function chosen(
  settings: readonly ServerSetting[],
  used: readonly ServerSetting[],
  random = first,
): string | undefined {
  return chooseServer(
    settings,
    "storage",
    used.map(({ address }) => address),
    random,
  )?.hosts[0]
}

describe("the choice of a server", () => {
  it("is of those that are enabled and have the role, or of all where there are none", () => {
    const [a, b, c] = [server("a", { enabled: false }), server("b", { storage: false }), server("c")]
    expect(serversFor([a, b, c], "storage")).toEqual([c])
    expect(serversFor([a, b, c], "proxy")).toEqual([b, c])
    expect(serversFor([a], "storage")).toEqual([a])
  })

  it("avoids operators that are used, where it can", () => {
    const [a, b, c] = [server("a", { operator: "x" }), server("b", { operator: "x" }), server("c", { operator: "y" })]
    expect(chosen([a, b, c], [a])).toBe("c")
    expect(chosen([a, b], [a])).toBe("b")
  })

  it("counts servers without an operator as those of one", () => {
    expect(chosen([server("a"), server("b"), server("c", { operator: "y" })], [server("a")])).toBe("c")
  })

  it("takes a used server only if there is no other", () => {
    expect(chosen([server("a"), server("b")], [server("a")])).toBe("b")
    expect(chosen([server("a")], [server("a")])).toBe("a")
    expect(chosen([], [])).toBeUndefined()
  })

  it("is random among those that are left", () => {
    const all = [server("a"), server("b"), server("c")]
    expect([chosen(all, [], first), chosen(all, [], last)]).toEqual(["a", "c"])
  })

  it("tells servers of one host apart by their ports", () => {
    const one = server("a")
    const other = { address: { ...one.address, port: "1" } }
    expect(isKnown([one], other.address)).toBe(false)
    expect(isKnown([one], { ...one.address, hosts: ["a", "z"] })).toBe(true)
  })
})
