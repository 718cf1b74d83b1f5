// The resolver against a real relay, without a browser: what is cached, shared and bounded.
import { nativeCrypto } from "@sluice/crypto/native"
import { decodeLinkAnswer } from "@sluice/links/link-answer"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { makeAddress, updateAddress } from "./address.ts"
import { makeInvitation } from "./invitation.ts"
import { TestSite } from "./site.ts"

describe("the resolver", () => {
  let site: TestSite

  beforeAll(async () => {
    site = await TestSite.start({ "links.cache_time": "1h", "links.max_fetches": 4, "links.max_waiting_fetches": 4 })
  })

  afterAll(() => site?.[Symbol.asyncDispose]())

  const ask = (linkId: Uint8Array): Promise<Response> =>
    fetch(
      `${site.origin.replace("localhost", "127.0.0.1")}/api/link/localhost/${Buffer.from(linkId).toString("base64url")}`,
    )

  const count = async (outcome: string): Promise<number> => {
    const line = new RegExp(`^sluice_links_previews_total\\{outcome="${outcome}"\\} (\\d+)$`, "m")
    return Number(line.exec(await site.metrics.render())?.[1])
  }

  it("hands out exactly what the relay has", async () => {
    const address = await makeAddress(site.client, site.server)
    const { senderId, data } = await site.client.getLink(address.linkId)
    const response = await ask(address.linkId)
    expect([response.status, response.headers.get("content-type")]).toEqual([200, "application/octet-stream"])
    const answer = decodeLinkAnswer(new Uint8Array(await response.arrayBuffer()))
    expect(answer).toMatchObject({ senderId, ...data })
    expect(answer.relay).toContain(`@localhost:${site.relay.port}`)
  })

  it("asks once for what many want, and then not for a while, also when there is nothing", async () => {
    const address = await makeAddress(site.client, site.server)
    const [relay, cache] = [await count("relay"), await count("cache")]
    const answers = await Promise.all(Array.from({ length: 20 }, () => ask(address.linkId)))
    expect(answers.every(({ ok }) => ok)).toBe(true)
    await updateAddress(site.client, address, { displayName: "Bob" })
    expect((await ask(address.linkId)).ok).toBe(true)
    expect((await count("relay")) + (await count("cache")) - relay - cache).toBe(21)
    expect((await count("cache")) - cache).toBeGreaterThan(0)

    const none = nativeCrypto.randomBytes(24)
    expect([(await ask(none)).status, (await ask(none)).status]).toEqual([404, 404])
  })

  it("has nothing for one-time invitations, and leaves them as they are", async () => {
    const invitation = await makeInvitation(site.client, site.server)
    expect((await ask(invitation.linkId)).status).toBe(404)
    const keys = nativeCrypto.generateKeyPair("ed25519")
    expect((await site.client.secureByLink(invitation.linkId, keys)).senderId).toEqual(invitation.senderId)
  })

  it("sends clients away when too many links are being fetched", async () => {
    const answers = await Promise.all(Array.from({ length: 40 }, () => ask(nativeCrypto.randomBytes(24))))
    const statuses = new Set(answers.map(({ status }) => status))
    expect([...statuses].toSorted()).toEqual([404, 503])
    expect(answers.find(({ status }) => status === 503)?.headers.get("retry-after")).toBe("2")
    expect(await site.metrics.render()).toMatch(/^sluice_links_fetching 0$/m)
  })
})
