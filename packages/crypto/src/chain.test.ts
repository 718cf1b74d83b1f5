import { fromHex, toHex } from "@sluice/encoding/bytes"
import { describe, expect, it } from "vitest"
import { vectors } from "../../../test/vectors.ts"
import { BACKENDS } from "../test/backends.ts"
import { rows } from "../test/vector-values.ts"
import { initChains, nextBlockKey } from "./chain.ts"

const file = vectors("crypto.json")

interface Step {
  readonly key: string
  readonly nonce: string
  readonly chainKey: string
}

interface Row {
  readonly name: string
  readonly salt: string
  readonly secret: string
  readonly chainKey1: string
  readonly chainKey2: string
  readonly steps1: readonly Step[]
  readonly steps2: readonly Step[]
}

describe.skipIf(file === undefined).each(BACKENDS)("$name: chain vectors", (c) => {
  it.each(rows<Row>(file, "secretBoxChains"))("$name", (row) => {
    const { a, b } = initChains(c, fromHex(row.salt), fromHex(row.secret))
    expect(toHex(a)).toBe(row.chainKey1)
    expect(toHex(b)).toBe(row.chainKey2)
    for (const [start, steps] of [
      [a, row.steps1],
      [b, row.steps2],
    ] as const) {
      expect(steps.length).toBeGreaterThan(0)
      let chain = start
      for (const expected of steps) {
        const step = nextBlockKey(c, chain)
        chain = step.chain
        expect({ key: toHex(step.key), nonce: toHex(step.nonce), chainKey: toHex(chain) }).toEqual(expected)
      }
    }
  })
})

describe.each(BACKENDS)("$name: chains", (c) => {
  it("match the worked example of crypto.md §13", () => {
    const input = Uint8Array.from({ length: 32 }, (_, i) => i)
    const { a, b } = initChains(c, input, input)
    expect(toHex(a)).toBe("0402829b888605839958bd137c8e7521ddf46ef75dcfc210b71dd58ef8d78ccb")
    expect(toHex(b)).toBe("e3ddfcc33b99f5333fa6b787c14bfeb72dc6baf7452c46a107ef97d37ea7a983")
    const step = nextBlockKey(c, a)
    expect(toHex(step.chain)).toBe("ff3e7d12d280ba3c36bd3980efbc1cc8a2edb077342fd917f5bf9807226074fe")
    expect(toHex(step.key)).toBe("d88783ab032af981754bbe4eeb70a9b6d7b601480fa6ad1053531e8259218a73")
    expect(toHex(step.nonce)).toBe("6a8a6d2a92e7ede2a50363188ed7ea74d3d278efaf7b5f60")
  })
})
