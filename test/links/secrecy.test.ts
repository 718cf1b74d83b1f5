// What a link hides stays in the browser: nothing of it goes over the wire, into a log, or into the memory of a server.
import { readFile, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { nativeCrypto } from "@sluice/crypto/native"
import { encodeBase64UrlUnpadded } from "@sluice/encoding/base64url"
import { toHex } from "@sluice/encoding/bytes"
import { linkSecrets } from "@sluice/short-links/link-keys"
import { parseShortLink } from "@sluice/short-links/short-link"
import type { Browser } from "playwright-core"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { sluice, start, temporaryFolder } from "../../packages/cli/test/sluice.ts"
import { haveChromium, launch, Visit } from "./chromium.ts"
import { PORTRAIT } from "./portrait.ts"
import { canReadMemory, findInMemory } from "./process-memory.ts"
import { Tap } from "./tap.ts"

const NAME = "Wilhelmina Featherstonehaugh"
const MESSAGE = "Please knock three times at the green door."

describe.skipIf(!haveChromium)("a contact address made by `sluice link create`", () => {
  let browser: Browser

  beforeAll(async () => {
    browser = await launch()
  })

  afterAll(async () => {
    await browser?.close()
  })

  it("shows in the browser what neither wire nor log nor memory of the servers has", async () => {
    await using folder = await temporaryFolder()
    const env = {
      SLUICE_DATA: join(folder.path, "data"),
      ...{ SLUICE_RELAY_BIND: "127.0.0.1", SLUICE_RELAY_PORT: "0", SLUICE_ADMIN_PORT: "0", SLUICE_LINKS_PORT: "0" },
      ...{ SLUICE_LINKS_CACHE_TIME: "0s", SLUICE_LOG_LEVEL: "debug" },
    }
    const server = start(["up", "--links"], { env })
    const log = await server.said(/serving pages for links.*"started"/s)
    const [, pagesPort] = /"bind":"127\.0\.0\.1:(\d+)","message":"serving pages for links"/.exec(log) ?? []
    const picture = join(folder.path, "portrait.png")
    await writeFile(picture, Buffer.from(PORTRAIT.slice(PORTRAIT.indexOf(",") + 1), "base64"))
    const owner = join(folder.path, "owner.json")
    const about = ["--name", NAME, "--message", MESSAGE, "--image", picture]
    const created = await sluice(["link", "create", "--contact", "--file", owner, ...about], { env })
    expect([created.code, created.stderr]).toEqual([0, ""])
    const text = created.stdout.trim()

    await using tap = await Tap.start(Number(pagesPort))
    const url = text.replace("https://localhost", `http://localhost:${tap.port}`)
    {
      await using visit = await Visit.start(browser)
      expect(await visit.open(url)).toBe("profile")
      expect(await visit.title()).toBe(NAME)
      expect(await visit.page.locator("#message-text").textContent()).toBe(MESSAGE)
      expect(await visit.page.locator("#picture").isVisible()).toBe(true)

      const updated = await sluice(["link", "update", owner, "--name", `${NAME} II`], { env })
      expect(updated.code).toBe(0)
      await visit.page.reload()
      expect(await visit.shown()).toBe("profile")
      expect(await visit.title()).toBe(`${NAME} II`)
      expect(visit.lookUps()).toHaveLength(2)
    }

    const link = parseShortLink(text)
    const { linkId, blobKey } = linkSecrets(nativeCrypto, link)
    const secrets = {
      name: NAME,
      message: MESSAGE,
      "part of the picture": PORTRAIT.slice(60, 100),
      "link key": link.linkKey,
      "link key as text": encodeBase64UrlUnpadded(link.linkKey),
      "link key as hex": toHex(link.linkKey),
      "key of the blobs": blobKey,
    }
    const wire = tap.sent
    expect(wire.includes(`/api/link/localhost/${encodeBase64UrlUnpadded(linkId)}`)).toBe(true)
    expect(Object.entries(secrets).filter(([, secret]) => wire.includes(Buffer.from(secret)))).toEqual([])
    if (canReadMemory) {
      // That the ID is found shows that secrets would be.
      const found = await findInMemory(server.child.pid ?? 0, { ...secrets, "link ID": linkId })
      expect([...found]).toEqual(["link ID"])
    }

    const deleted = await sluice(["link", "delete", owner, "--keep-queue"], { env })
    expect(deleted.code).toBe(0)
    await using late = await Visit.start(browser)
    expect(await late.open(url)).toBe("notFound")

    server.child.kill("SIGTERM")
    const { code, stderr } = await server.ended
    expect(code).toBe(0)
    const logged = Buffer.from(stderr)
    const never = [...Object.values(secrets), linkId, toHex(linkId), encodeBase64UrlUnpadded(linkId)]
    expect(never.filter((secret) => logged.includes(Buffer.from(secret)))).toEqual([])
    expect(stderr).not.toContain("/api/link")
    expect(stderr).not.toContain("/a#")
    expect((await readFile(owner, "utf8")).length).toBeGreaterThan(0)
  })
})
