// Everything that can be wrong with an address, each with a page of its own, made with a real relay that stores it so.

import { encodePublicKey } from "@sluice/crypto/keys"
import { nativeCrypto } from "@sluice/crypto/native"
import { concatBytes, utf8 } from "@sluice/encoding/bytes"
import type { StateName } from "@sluice/links/states"
import { en } from "@sluice/links/texts/en"
import type { LinkOwner } from "@sluice/short-links/owners"
import { formatShortLink } from "@sluice/short-links/short-link"
import type { LinkData } from "@sluice/smp-protocol/types"
import type { Browser } from "playwright-core"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { type AddressParts, makeAddress } from "./address.ts"
import { haveChromium, launch, Visit } from "./chromium.ts"
import { TestSite } from "./site.ts"

const c = nativeCrypto
/** A byte inside the root key of fixed data, so that it can still be read. */
const ROOT_KEY = 30

describe.skipIf(!haveChromium)("the page of a contact address says", () => {
  let browser: Browser
  let site: TestSite

  beforeAll(async () => {
    browser = await launch()
    site = await TestSite.start({ "links.fetch_timeout": "2s" })
  })

  afterAll(async () => {
    await browser?.close()
    await site?.[Symbol.asyncDispose]()
  })

  /** Opens a page and expects exactly one state, with its texts, and no way on where it warns. */
  async function expectState(url: string, state: StateName): Promise<Visit> {
    const visit = await Visit.start(browser)
    expect(await visit.open(url)).toBe(state)
    expect(await visit.title()).toBe(en[`${state}Title`])
    expect(await visit.page.getByText(en[`${state}Text`]).isVisible()).toBe(true)
    expect(await visit.page.locator("#name").isVisible()).toBe(false)
    return visit
  }

  async function expectDanger(changes: Partial<AddressParts>, state: StateName): Promise<void> {
    const address = await makeAddress(site.client, site.server, changes)
    await using visit = await expectState(site.page(address), state)
    expect(await visit.page.locator("#open, #copy, #qr").filter({ visible: true }).count()).toBe(0)
  }

  it("that it was deleted", async () => {
    const address = await makeAddress(site.client, site.server)
    await site.client.deleteLink(address.queue)
    await using visit = await expectState(site.page(address), "notFound")
    // Chromium itself reports answers that are no successes.
    expect(visit.complaints).toEqual([expect.stringContaining("404")])
  })

  it("that the key of the link opens nothing", () => expectDanger({ blobKey: c.randomBytes(32) }, "wrongKey"))

  it("that there is nothing for a key with one other character", async () => {
    const { link } = await makeAddress(site.client, site.server)
    const linkKey = link.linkKey.slice()
    linkKey[0] = (linkKey[0] ?? 0) ^ 1
    await (await expectState(site.page({ link: { ...link, linkKey } }), "notFound"))[Symbol.asyncDispose]()
  })

  /** Bytes of a sealed part: nonce, tag, and what is encrypted. */
  const regions: readonly (readonly [keyof LinkData, string, (blob: Uint8Array) => number])[] = [
    ["fixed", "nonce", () => 0],
    ["fixed", "tag", () => 24],
    ["fixed", "first encrypted byte", () => 40],
    ["fixed", "last encrypted byte", (blob) => blob.length - 1],
    ["user", "nonce", () => 23],
    ["user", "tag", () => 39],
    ["user", "first encrypted byte", () => 40],
    ["user", "middle", () => 7000],
    ["user", "last encrypted byte", (blob) => blob.length - 1],
  ]

  it.each(regions)("that the sealed data was changed: %s, %s", (part, _, place) =>
    expectDanger({ changeBlobs: (data) => ({ ...data, [part]: flipped(data[part], place(data[part])) }) }, "tampered"),
  )

  it("that both parts were changed, which is as if the key did not fit", () =>
    expectDanger(
      { changeBlobs: ({ fixed, user }) => ({ fixed: flipped(fixed, 99), user: flipped(user, 99) }) },
      "wrongKey",
    ))

  describe("when somebody who has the link sealed other data", () => {
    it("that the fixed data belongs to another link", () =>
      expectDanger({ changeFixed: (bytes) => flipped(bytes, ROOT_KEY) }, "otherData"))

    it("that the fixed data is signed by another", () =>
      expectDanger({ fixedSigner: c.generateKeyPair("ed25519") }, "forged"))

    it("that the profile is signed by another", () =>
      expectDanger({ userSigner: c.generateKeyPair("ed25519") }, "forged"))

    it.each([
      ["the first byte of the signature", 1],
      ["the last byte of the signature", 64],
      ["the profile", 90],
    ])("that the profile is forged: %s", (_, place) =>
      expectDanger({ changeUser: (bytes) => flipped(bytes, place) }, "forged"),
    )

    it("that an owner was not authorized", async () => {
      const [stranger, owner] = [c.generateKeyPair("ed25519"), c.generateKeyPair("ed25519")]
      const ownerId = utf8("Mallory")
      const authorization = c.sign(stranger.privateKey, concatBytes(ownerId, encodePublicKey(owner.publicKey)))
      const owners: LinkOwner[] = [{ ownerId, ownerKey: owner.publicKey, authorization }]
      await expectDanger({ owners, userSigner: owner }, "badOwners")
    })

    it("that the data is in an unknown form", async () => {
      const address = await makeAddress(site.client, site.server, { changeUser: (bytes) => bytes.subarray(0, 30) })
      await using visit = await expectState(site.page(address), "malformed")
      expect(await visit.page.locator("#open").isVisible()).toBe(true)
    })
  })

  it("that the data is of another queue", () =>
    expectDanger({ leadsTo: { senderId: c.randomBytes(24) } }, "otherQueue"))

  it("that the data is of another server", () =>
    expectDanger({ leadsTo: { server: { ...site.server, hosts: ["other.example.com"] } } }, "otherQueue"))

  it("that the link names a relay with another identity", async () => {
    const { link } = await makeAddress(site.client, site.server)
    const server = { ...link.server, keyHash: c.randomBytes(32) }
    await (await expectState(site.page({ link: { ...link, server } }), "otherServer"))[Symbol.asyncDispose]()
  })

  it("that the relay is none of this server's", async () => {
    const { link } = await makeAddress(site.client, site.server)
    const server = { ...link.server, hosts: ["127.0.0.1"] }
    const url = formatShortLink({ ...link, server }).replace(
      "https://127.0.0.1",
      site.origin.replace("localhost", "127.0.0.1"),
    )
    await using visit = await expectState(url, "notAllowed")
    expect(visit.lookUps()).toHaveLength(1)
  })

  it.each([
    ["missing", "", "noLink"],
    ["an empty fragment", "#", "noLink"],
    ["not base64url", "#!!!", "brokenLink"],
    ["with something behind it", `#${"A".repeat(43)} and more`, "brokenLink"],
  ] as const)("that the link is incomplete or none: %s", async (_, fragment, state) => {
    await using visit = await expectState(`${site.origin}/a${fragment}`, state)
    expect(visit.lookUps()).toEqual([])
    expect(await visit.page.locator("#open").isVisible()).toBe(false)
  })

  it("that there is no connection, until there is one again", async () => {
    const address = await makeAddress(site.client, site.server)
    await using visit = await expectState(`${site.origin}/a`, "noLink")
    await visit.page.context().setOffline(true)
    await visit.page.evaluate((hash) => Object.assign(globalThis, { location: hash }), new URL(site.page(address)).hash)
    await visit.page.getByText(en.offlineTitle).waitFor()
    await visit.page.context().setOffline(false)
    await visit.page.getByRole("button", { name: en.tryAgain }).filter({ visible: true }).click()
    await visit.page.locator("#name").waitFor()
    expect(await visit.shown()).toBe("profile")
    expect(await visit.page.title()).toBe("Alice · SimpleX")

    // The same page for another link shows nothing of the one before.
    await visit.page.evaluate("location.hash = ''")
    await visit.page.getByText(en.noLinkTitle).waitFor()
    expect(await visit.page.title()).toBe("Contact address · SimpleX")
    expect(await visit.page.locator("#name").isVisible()).toBe(false)
  })

  it("that there were too many look-ups", async () => {
    await using strict = await TestSite.start({ "links.preview_burst": 1, "links.previews_per_minute": 1 })
    const address = await makeAddress(strict.client, strict.server)
    await using first = await Visit.start(browser)
    expect(await first.open(strict.page(address))).toBe("profile")
    await (await expectState(strict.page(address), "rateLimited"))[Symbol.asyncDispose]()
  })

  it("that previews are off", async () => {
    await using off = await TestSite.start({ "links.preview": false })
    const address = await makeAddress(off.client, off.server)
    await using visit = await expectState(off.page(address), "previewOff")
    expect(visit.lookUps()).toEqual([])
  })

  it("that the relay is down, and shows the profile once it is back", async () => {
    await using own = await TestSite.start({ "links.fetch_timeout": "2s" }, { store: "lmdb" })
    const address = await makeAddress(own.client, own.server)
    await using visit = await Visit.start(browser)
    expect(await visit.open(own.page(address))).toBe("profile")
    const { port } = own.relay
    await own.relay.stop()
    await visit.page.reload()
    expect(await visit.shown()).toBe("relayDown")
    expect(await visit.title()).toBe(en.relayDownTitle)
    await own.relay.start({ "relay.port": port })
    await expect
      .poll(
        async () => {
          await visit.page.reload()
          return visit.shown()
        },
        { timeout: 20_000, interval: 200 },
      )
      .toBe("profile")
  })
})

function flipped(bytes: Uint8Array, place: number): Uint8Array {
  const changed = bytes.slice()
  changed[place] = (changed[place] ?? 0) ^ 0x01
  return changed
}
