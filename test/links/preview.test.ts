// Contact addresses in a real browser, against a real relay.

import { zstdCompressSync } from "node:zlib"
import { nativeCrypto } from "@sluice/crypto/native"
import { encodeProfile } from "@sluice/short-links/profile"
import type { Browser } from "playwright-core"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { makeAddress, updateAddress } from "./address.ts"
import { haveChromium, launch, Visit } from "./chromium.ts"
import { fullLink, makeInvitation } from "./invitation.ts"
import { PORTRAIT } from "./portrait.ts"
import { TestSite } from "./site.ts"

const ALICE = {
  displayName: "Alice",
  fullName: "Alice Example",
  description: "Keeps bees",
  image: PORTRAIT,
  message: "Hello!\nAsk me about bees.",
}

describe.skipIf(!haveChromium)("the page of a link", () => {
  let browser: Browser
  let site: TestSite

  beforeAll(async () => {
    browser = await launch()
    site = await TestSite.start()
  })

  afterAll(async () => {
    await browser?.close()
    await site?.[Symbol.asyncDispose]()
  })

  it("shows name, picture and message of a contact address", async () => {
    const address = await makeAddress(site.client, site.server, { profile: ALICE })
    await using visit = await Visit.start(browser)
    expect(await visit.open(site.page(address))).toBe("profile")
    expect(await visit.title()).toBe("Alice")
    const { page } = visit
    expect(await page.locator("#full-name").textContent()).toBe("Alice Example")
    expect(await page.locator("#about").textContent()).toBe("Keeps bees")
    expect(await page.locator("#message-text").textContent()).toBe("Hello!\nAsk me about bees.")
    expect(await page.evaluate('document.getElementById("picture").naturalWidth')).toBe(64)
    expect(await page.getByRole("img", { name: "Profile picture of Alice" }).isVisible()).toBe(true)
    expect(await page.title()).toBe("Alice · SimpleX")
    expect(await page.getByRole("link", { name: "Open in SimpleX" }).getAttribute("href")).toMatch(
      /^simplex:\/a#[\w-]{43}\?h=localhost&p=\d+&c=[\w-]{43}$/,
    )
    expect(visit.complaints).toEqual([])
  })

  it("shows what was updated, under the same link", async () => {
    const address = await makeAddress(site.client, site.server, { profile: ALICE })
    await using visit = await Visit.start(browser)
    await visit.open(site.page(address))
    await updateAddress(site.client, address, { displayName: "Alice B.", message: "Moved to the coast." })
    await visit.page.reload()
    expect(await visit.shown()).toBe("profile")
    expect(await visit.title()).toBe("Alice B.")
    expect(await visit.page.locator("#message-text").textContent()).toBe("Moved to the coast.")
    expect(await visit.page.locator("#initials").textContent()).toBe("A")
    expect(await visit.page.locator("#picture").isVisible()).toBe(false)
  })

  it("shows profiles that the owner's app compressed", async () => {
    const message = "Bees. ".repeat(2000)
    const compressed = zstdCompressSync(encodeProfile({ ...ALICE, message }))
    const appData = Buffer.concat([Buffer.from("X"), compressed])
    await using visit = await Visit.start(browser)
    expect(await visit.open(site.page(await makeAddress(site.client, site.server, { appData })))).toBe("profile")
    expect(await visit.title()).toBe("Alice")
    expect(await visit.page.locator("#message-text").textContent()).toMatch(/^(Bees\. )+B?e?e?s?\.?…$/)
  })

  it("puts what owners wrote into the page as text, whatever it is", async () => {
    const name = '<img src=x onerror="document.title=1">\u202eevil'
    const image = "data:image/svg+xml;base64,PHN2Zy8+"
    const profile = { displayName: name, message: "<script>1</script>\u200b[link](javascript:1)", image }
    const address = await makeAddress(site.client, site.server, { profile })
    await using visit = await Visit.start(browser)
    expect(await visit.open(site.page(address))).toBe("profile")
    expect(await visit.title()).toBe('<img src=x onerror="document.title=1">evil')
    expect(await visit.page.locator("#message-text").textContent()).toBe("<script>1</script>[link](javascript:1)")
    expect(await visit.page.locator("#picture").isVisible()).toBe(false)
    expect(visit.complaints).toEqual([])
  })

  it("says so when the owner's app stored something else, or when the picture is broken", async () => {
    const appData = new TextEncoder().encode('{"neither":"name nor profile"}')
    await using visit = await Visit.start(browser)
    await visit.open(site.page(await makeAddress(site.client, site.server, { appData, direct: false })))
    expect(await visit.title()).toBe("No name given")
    expect(await visit.page.locator("#unreadable").isVisible()).toBe(true)
    expect(await visit.page.locator("#indirect").isVisible()).toBe(true)

    const profile = { displayName: "Bob", image: "data:image/png;base64,AAAA" }
    await visit.open(site.page(await makeAddress(site.client, site.server, { profile })))
    await visit.page.locator("#initials").waitFor()
    expect(await visit.page.locator("#picture").isVisible()).toBe(false)
  })

  it.each([
    ["group", "Group"],
    ["channel", "Channel"],
    ["relay", "Chat relay"],
  ] as const)("of a %s says what it is", async (contactType, label) => {
    const profile = { displayName: "Gardeners", group: true }
    const address = await makeAddress(site.client, site.server, { contactType, profile })
    await using visit = await Visit.start(browser)
    expect(await visit.open(site.page(address))).toBe("profile")
    expect(await visit.page.locator(".kind").textContent()).toBe(label)
  })

  it("never looks up a one-time invitation, which its reader can still open afterwards", async () => {
    const invitation = await makeInvitation(site.client, site.server)
    await using visit = await Visit.start(browser)
    expect(await visit.open(invitation.text.replace("https://localhost", site.origin))).toBe("oneTime")
    expect(await visit.title()).toBe("An invitation for one person")
    expect(visit.lookUps()).toEqual([])
    expect(await visit.page.locator("#open").getAttribute("href")).toMatch(
      /^simplex:\/i#[\w-]{32}\/[\w-]{43}\?h=localhost/,
    )

    // Not even to somebody who asks the resolver for it, which has no other way to ask a relay than for addresses.
    const { status } = await fetch(`${site.origin}/api/link/localhost/${invitation.linkIdText}`)
    expect(status).toBe(404)
    const keys = nativeCrypto.generateKeyPair("ed25519")
    const { senderId } = await site.client.secureByLink(invitation.linkId, keys)
    expect(senderId).toEqual(invitation.senderId)
  })

  it.each(["invitation", "contact"] as const)("of the old kind, /%s, offers to open it", async (kind) => {
    const text = fullLink(kind, site.server)
    await using visit = await Visit.start(browser)
    const state = await visit.open(text.replace("https://localhost", site.origin))
    expect(state).toBe(kind === "invitation" ? "oneTime" : "fullLink")
    expect(visit.lookUps()).toEqual([])
    expect(await visit.page.locator("#open").getAttribute("href")).toBe(text.replace("https://localhost", "simplex:"))
    expect(await visit.page.locator("#qr svg").isVisible()).toBe(true)
  })

  it("copies the link as it was given", async () => {
    const address = await makeAddress(site.client, site.server)
    await using visit = await Visit.start(browser, { permissions: ["clipboard-read", "clipboard-write"] })
    await visit.open(site.page(address))
    await visit.page.getByRole("button", { name: "Copy link" }).click()
    await visit.page.getByText("Link copied").waitFor()
    const copied = await visit.page.evaluate("navigator.clipboard.readText()")
    expect(copied).toBe(site.page(address).replace(site.origin, "https://localhost"))
  })

  it("is in the language of its reader, who can choose another without losing the link", async () => {
    const address = await makeAddress(site.client, site.server, { profile: ALICE })
    await using visit = await Visit.start(browser, { locale: "de-CH" })
    expect(await visit.open(site.page(address))).toBe("profile")
    expect(await visit.page.getByRole("link", { name: "In SimpleX öffnen" }).isVisible()).toBe(true)
    expect(await visit.page.locator("html").getAttribute("lang")).toBe("de")
    await visit.page.getByRole("button", { name: "Español" }).click()
    await visit.page.getByRole("link", { name: "Abrir en SimpleX" }).waitFor()
    expect(await visit.shown()).toBe("profile")
    expect(new URL(visit.page.url()).hash).toBe(new URL(site.page(address)).hash)
  })

  it("works by keyboard alone", async () => {
    const address = await makeAddress(site.client, site.server, { profile: ALICE })
    await using visit = await Visit.start(browser)
    await visit.open(site.page(address))
    const reached: unknown[] = []
    for (let step = 0; step < 4; step++) {
      await visit.page.keyboard.press("Tab")
      reached.push(await visit.page.evaluate("document.activeElement.textContent.trim()"))
    }
    expect(reached).toEqual(["Open in SimpleX", "Copy link", "Desktop", "App Store"])
  })

  it("explains itself without JavaScript", async () => {
    const address = await makeAddress(site.client, site.server)
    await using visit = await Visit.start(browser, { javaScriptEnabled: false })
    await visit.page.goto(site.page(address))
    expect(await visit.title()).toBe("This page cannot read the link")
    expect(await visit.page.getByRole("link", { name: "F-Droid" }).isVisible()).toBe(true)
    expect(await visit.page.getByRole("link", { name: "Open in SimpleX" }).isVisible()).toBe(false)
    await visit.page.getByRole("button", { name: "Deutsch" }).click()
    expect(await visit.title()).toBe("Diese Seite kann den Link nicht lesen")
    expect(new URL(visit.page.url()).hash).toBe(new URL(site.page(address)).hash)
  })
})
