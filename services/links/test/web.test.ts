// The HTTP side without a browser and without a relay.
import { once } from "node:events"
import { connect } from "node:net"
import { parseServerAddress } from "@sluice/encoding/server-address"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { LinksUnderTest } from "./links-under-test.ts"

const ONION = "jjbyvoemxysm7qxap7m5d5m35jzv5qq6gnlv7s4rsn7tdwwmuqciwpid.onion"
const RELAY = `smp://AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=@smp.example.com,${ONION}`
const ID = "A".repeat(32)

let links: LinksUnderTest

beforeAll(async () => {
  const relays = [{ address: parseServerAddress(RELAY), connectTo: () => ({ hosts: ["127.0.0.1"], port: "9" }) }]
  const overrides = { "links.preview_burst": 3, "links.previews_per_minute": 1, "links.information.operator": "A & B" }
  links = await LinksUnderTest.start({ ...overrides, "links.trusted_proxies": ["127.0.0.1"] }, { relays })
})

afterAll(() => links?.[Symbol.asyncDispose]())

describe("pages", () => {
  it.each(["/i", "/a", "/c", "/g", "/r", "/invitation", "/contact", "/a/", "/A", "/contact/", "/a?lang=de"])(
    "%s is a page for links",
    async (path) => {
      const { status, headers, body } = await links.get(path)
      expect([status, headers["content-type"]]).toEqual([200, "text/html; charset=utf-8"])
      expect(body).toContain('<main class="link"')
    },
  )

  it.each(["/I", "/x", "/a/b", "/assets/none.js", "/.env", "/..%2f..%2fetc/passwd", "/%00", "/assets/../package.json"])(
    "%s is none",
    async (path) => {
      const { status, body } = await links.get(path)
      expect(status === 404 || status === 400).toBe(true)
      expect(body).not.toContain("sluice")
    },
  )

  it("have nothing inline, and load only files that there are, for good", async () => {
    const { body } = await links.get("/a")
    expect(body).not.toMatch(/<script(?![^>]* src=)|<style|\sstyle=|\son\w+=|javascript:/i)
    const files = [...body.matchAll(/(?:src|href)="(\/assets\/[^"]+)"/g)].map(([, path = ""]) => path)
    expect(files).toHaveLength(3)
    for (const path of files) {
      const { status, headers } = await links.get(path)
      expect([status, headers["cache-control"]]).toEqual([200, "public, max-age=31536000, immutable"])
    }
  })

  it("are the same bytes in every encoding, and are not sent again to who has them", async () => {
    const plain = await links.get("/a")
    const raw = async (encoding: string): Promise<Buffer> => {
      const { port } = links.server.address
      // fetch undoes encodings itself, so what comes out is compared.
      const response = await fetch(`http://127.0.0.1:${port}/a`, { headers: { "accept-encoding": encoding } })
      expect(response.headers.get("content-encoding")).toBe(encoding)
      return Buffer.from(await response.arrayBuffer())
    }
    expect((await raw("br")).toString()).toBe(plain.body)
    expect((await raw("gzip")).toString()).toBe(plain.body)
    const etag = String(plain.headers["etag"])
    expect((await links.get("/a", { "if-none-match": etag })).status).toBe(304)
    expect((await links.get("/a", { "if-none-match": etag, "accept-language": "de" })).status).toBe(200)
  })

  it("say who runs the server, and its address with a code", async () => {
    const { body } = await links.get("/")
    expect(body).toContain("A &amp; B")
    expect(body).toContain(RELAY)
    expect(body).toContain("<svg viewBox=")
  })

  it("answer HEAD, and nothing that could change something", async () => {
    const head = await links.get("/a", {}, "HEAD")
    expect([head.status, head.body]).toEqual([200, ""])
    for (const method of ["POST", "PUT", "DELETE", "PATCH"])
      expect((await links.get("/a", {}, method)).status).toBe(404)
  })
})

it("every answer has the security headers, and no cookie", async () => {
  for (const path of ["/a", "/", "/none", `/api/link/other.example.com/${ID}`, "/robots.txt", "/a%ff"]) {
    const { headers } = await links.get(path, { "x-forwarded-for": "192.0.2.200" })
    expect([path, headers["content-security-policy"]]).toEqual([path, expect.stringMatching(/^default-src 'none'; /)])
    expect(headers["content-security-policy"]).not.toMatch(/unsafe|\*|https?:/)
    expect(headers["referrer-policy"]).toBe("no-referrer")
    expect(headers["x-content-type-options"]).toBe("nosniff")
    expect(headers["x-frame-options"]).toBe("DENY")
    expect(headers["set-cookie"]).toBeUndefined()
    expect(headers["strict-transport-security"]).toBeUndefined()
  }
})

describe("association files", () => {
  it("name the paths of links for iOS, but not of chat relays", async () => {
    const { headers, body } = await links.get("/.well-known/apple-app-site-association")
    expect(headers["content-type"]).toBe("application/json")
    const [details] = JSON.parse(body).applinks.details
    expect(details.appIDs).toEqual(["5NN7GUYB6T.chat.simplex.app"])
    const paths = details.components.map((component: Record<string, string>) => component["/"])
    expect(paths).toEqual(["contact", "invitation", "a", "c", "g", "i"].flatMap((path) => [`/${path}/*`, `/${path}`]))
  })

  it("name the app and its certificates for Android", async () => {
    const [statement] = JSON.parse((await links.get("/.well-known/assetlinks.json")).body)
    expect(statement.relation).toEqual(["delegate_permission/common.handle_all_urls"])
    expect(statement.target.package_name).toBe("chat.simplex.app")
    expect(statement.target.sha256_cert_fingerprints).toHaveLength(2)
  })

  it("are what the settings say, or not there", async () => {
    const fingerprint = new Array(32).fill("AB").join(":")
    const changed = { "links.android_package": "org.example.app", "links.android_fingerprints": [fingerprint] }
    await using other = await LinksUnderTest.start({ ...changed, "links.ios_apps": [] })
    expect((await other.get("/.well-known/apple-app-site-association")).status).toBe(404)
    const [statement] = JSON.parse((await other.get("/.well-known/assetlinks.json")).body)
    expect(statement.target).toMatchObject({ package_name: "org.example.app", sha256_cert_fingerprints: [fingerprint] })
  })
})

describe("the data of links", () => {
  const ask = (path: string, client: string): ReturnType<LinksUnderTest["get"]> =>
    links.get(`/api/link/${path}`, { "x-forwarded-for": client })

  it.each([
    [`other.example.com/${ID}`, 403, "not-allowed"],
    [`smp.example.com/${ID}`, 504, "relay-down"],
    [`${ONION.toUpperCase()}/${ID}`, 504, "relay-down"],
    ["smp.example.com/AAAA", 400, "bad-request"],
    ["smp.example.com/!!", 400, "bad-request"],
  ])("%s: %i", async (path, status, error) => {
    const answer = await ask(path, `192.0.2.${status % 250}`)
    expect([answer.status, JSON.parse(answer.body)]).toEqual([status, { error }])
    expect(answer.headers["cache-control"]).toBe("no-store")
  })

  it("are given to a client at a limited rate, which says when to come back", async () => {
    const path = `other.example.com/${ID}`
    const statuses: number[] = []
    for (let count = 0; count < 4; count++) statuses.push((await ask(path, "198.51.100.7")).status)
    expect(statuses).toEqual([403, 403, 403, 429])
    const refused = await ask(path, "198.51.100.7")
    expect(JSON.parse(refused.body)).toEqual({ error: "rate-limited" })
    expect(Number(refused.headers["retry-after"])).toBeGreaterThan(30)
    expect((await ask(path, "198.51.100.8")).status).toBe(403)
  })
})

it("requests for other hosts are refused where hosts are given", async () => {
  await using strict = await LinksUnderTest.start({ "links.hosts": ["links.example.com"] })
  expect((await strict.get("/a", { host: "links.example.com" })).status).toBe(200)
  expect((await strict.get("/a", { host: "LINKS.example.com:8080" })).status).toBe(200)
  expect((await strict.get("/a", { host: "evil.example.com" })).status).toBe(421)
})

it.each(["", "GET /a HT"])("clients that fall silent are closed: %j", async (sent) => {
  await using strict = await LinksUnderTest.start({ "links.request_timeout": "1s", "links.fetch_timeout": "100ms" })
  const socket = connect(strict.server.address.port, "127.0.0.1")
  socket.write(sent)
  await once(socket.resume(), "close")
})

it("nothing of a request is logged, but counted by kind", async () => {
  expect(links.log.entries.filter(({ level }) => level !== "info" && level !== "debug")).toEqual([])
  const text = JSON.stringify(links.log.entries)
  for (const secret of [ID, "192.0.2", "198.51.100", "/api/", "example.com"]) expect(text).not.toContain(secret)
  const metrics = await links.metrics.render()
  expect(metrics).toMatch(/^sluice_links_requests_total\{page="link"\} [1-9]/m)
  expect(metrics).toMatch(/^sluice_links_previews_total\{outcome="rate-limited"\} [1-9]/m)
  expect(metrics).toMatch(/^sluice_links_clients [1-9]/m)
  expect(metrics).not.toContain("example.com")
})
