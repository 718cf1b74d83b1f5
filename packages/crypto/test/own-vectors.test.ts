import { readFileSync } from "node:fs"
import { fromHex } from "@sluice/encoding/bytes"
import { describe, expect, it } from "vitest"
import { parseCertificate } from "../src/x509.ts"
import { chainProblem, parseClientChain, parseServerChain } from "../src/x509-chain.ts"
import { ownVectors, SEEDED } from "./own-vectors.ts"

interface File {
  readonly certificates: readonly { readonly ca: string; readonly leaf: string; readonly service: string }[]
}

const path = new URL("../../../test/vectors/crypto.json", import.meta.url)
const stored = JSON.parse(readFileSync(path, "utf8")) as File & Record<string, unknown>

describe.each(SEEDED)("the project's own vectors: $name", ({ make }) => {
  const c = make()
  const computed = ownVectors(make())

  it.each(Object.keys(stored))("%s are what this code computes", (name) => {
    expect(computed[name]).toEqual(stored[name])
  })

  it("are complete", () => {
    expect(Object.keys(computed)).toEqual(Object.keys(stored))
  })

  it.each(stored.certificates)("hold certificates that are valid", ({ ca, leaf, service }) => {
    const now = parseCertificate(fromHex(ca)).notBefore
    expect(chainProblem(c, parseServerChain([fromHex(leaf), fromHex(ca)]), now)).toBeUndefined()
    expect(chainProblem(c, parseClientChain([fromHex(service)]), now)).toBeUndefined()
  })
})
