// Parts of the pages' script that need no page.
import { zstdCompressSync } from "node:zlib"
import { portableCrypto } from "@sluice/crypto/portable"
import { encodeLinkAnswer } from "@sluice/links/link-answer"
import { STATES } from "@sluice/links/states"
import type { ContactLink } from "@sluice/short-links/short-link"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { decompress } from "../../services/links/browser/decompress.ts"
import { linkOfPage } from "../../services/links/browser/link-of-page.ts"
import { platformOf } from "../../services/links/browser/platform.ts"
import { open, preview } from "../../services/links/browser/preview.ts"

const KEY = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY"
const ID = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3"

const link: ContactLink = {
  ...{ kind: "contact", contactType: "contact", scheme: "https" },
  server: { hosts: ["smp.example.com"], port: "", keyHash: new Uint8Array() },
  linkKey: new Uint8Array(32).fill(7),
}

describe("the link of a page", () => {
  const page = (pathname: string, hash: string) => linkOfPage({ hostname: "smp.example.com", pathname, hash })

  it.each([
    ["/a", `#${KEY}`, `simplex:/a#${KEY}?h=smp.example.com`],
    ["/a/", `#${KEY}`, `simplex:/a#${KEY}?h=smp.example.com`],
    ["/G", `#${KEY}?c=1234-w&p=5223`, `simplex:/g#${KEY}?h=smp.example.com&p=5223&c=1234-w`],
    ["/i", `#${ID}/${KEY}`, `simplex:/i#${ID}/${KEY}?h=smp.example.com`],
  ])("%s%s opens as %s", (pathname, hash, appText) => {
    expect(page(pathname, hash)).toMatchObject({ appText })
  })

  it.each([
    ["/a", "", "missing"],
    ["/a", "#", "missing"],
    ["/i", `#${KEY}`, "broken"],
    ["/a", `#${KEY}?p=x`, "broken"],
    ["/invitation", "#/?v=1", "broken"],
    ["/contact", `#${KEY}`, "broken"],
  ])("%s%s is %s", (pathname, hash, result) => {
    expect(page(pathname, hash)).toBe(result)
  })

  it("is never an error of another kind, whatever the address", () => {
    fc.assert(
      fc.property(fc.constantFrom("/a", "/i", "/contact", "/invitation", "/"), fc.string(), (pathname, text) => {
        const result = page(pathname, `#${text}`)
        expect(typeof result === "string" || result.appText.startsWith("simplex:/")).toBe(true)
      }),
    )
  })
})

describe("answers to a look-up", () => {
  const relay = `smp://${"A".repeat(43)}=@smp.example.com`

  it("of any bytes are a state, never an error", () => {
    const parts = fc.record({
      senderId: fc.uint8Array({ maxLength: 30 }),
      fixed: fc.uint8Array(),
      user: fc.uint8Array(),
    })
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc
        .tuple(parts, fc.oneof(fc.constant(relay), fc.string()))
        .map(([part, from]) => encodeLinkAnswer({ ...part, relay: from })),
    )
    fc.assert(
      fc.property(bytes, (answer) => {
        const result = open(portableCrypto, link, answer)
        expect(result.found ? "" : Object.keys(STATES)).toContain(result.found ? "" : result.state)
      }),
    )
  })

  it.each([
    [404, { error: "not-found" }, "notFound"],
    [403, { error: "not-allowed" }, "notAllowed"],
    [504, { error: "relay-down" }, "relayDown"],
    [502, { error: "relay-refused" }, "relayRefused"],
    [503, { error: "busy" }, "busy"],
    [429, { error: "rate-limited" }, "rateLimited"],
    [500, { error: "of another kind" }, "relayRefused"],
    [502, [], "relayRefused"],
  ])("%i %j are said as %s", async (status, body, state) => {
    const ask = (): Promise<Response> => Promise.resolve(Response.json(body, { status }))
    expect(await preview(portableCrypto, link, ask)).toEqual({ found: false, state })
  })

  it("that never come, or are no JSON, are a lack of connection", async () => {
    for (const ask of [
      () => Promise.reject(new TypeError("failed")),
      () => Promise.resolve(new Response("<html>", { status: 502 })),
    ]) {
      expect(await preview(portableCrypto, link, ask)).toEqual({ found: false, state: "offline" })
    }
  })

  it("are asked for with nothing but host and derived ID", async () => {
    const asked: string[] = []
    await preview(portableCrypto, link, (path) => {
      asked.push(path)
      return Promise.reject(new Error("enough"))
    })
    expect(asked).toEqual([expect.stringMatching(/^\/api\/link\/smp\.example\.com\/[\w-]{32}$/)])
    expect(asked[0]).not.toContain(Buffer.from(link.linkKey).toString("base64url").slice(0, 10))
  })
})

describe("compressed profiles", () => {
  it("are read as they were", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 5000 }), fc.integer({ min: 1, max: 10 }), (bytes, times) => {
        const plain = Buffer.concat(new Array<Uint8Array>(times).fill(bytes))
        expect(Buffer.from(decompress(zstdCompressSync(plain), 65_536) ?? "none").equals(plain)).toBe(true)
      }),
      { numRuns: 30 },
    )
  })

  it("are not unfolded beyond what a profile may take, and anything else is none", () => {
    expect(decompress(zstdCompressSync(Buffer.alloc(50_000_000)), 65_536)).toBeUndefined()
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        const result = decompress(bytes, 65_536)
        expect(result === undefined || result.length <= 65_536).toBe(true)
      }),
    )
  })
})

it.each([
  ["Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X)", 5, "ios"],
  ["Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)", 5, "ios"],
  ["Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)", 0, "desktop"],
  ["Mozilla/5.0 (Linux; Android 15)", 5, "android"],
  ["Mozilla/5.0 (X11; Linux x86_64)", 0, "desktop"],
])("%s with %i touch points is %s", (agent, touchPoints, platform) => {
  expect(platformOf(agent, touchPoints)).toBe(platform)
})
