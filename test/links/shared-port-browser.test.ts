// A browser on the relay's port, with a certificate of the kind that the web has.
import { execFile } from "node:child_process"
import { mkdir } from "node:fs/promises"
import { join } from "node:path"
import { promisify } from "node:util"
import { formatShortLink } from "@sluice/short-links/short-link"
import { connect } from "@sluice/smp-client/connect"
import { expect, it } from "vitest"
import { makeAddress } from "./address.ts"
import { haveChromium, launch, Visit } from "./chromium.ts"
import { SharedProgram } from "./shared-program.ts"

const run = promisify(execFile)
const haveOpenssl = await run("openssl", ["version"]).then(
  () => true,
  () => false,
)

/** A self-signed P-256 certificate, which needs a tool: this project makes those of relays only. */
async function webCertificate(dataFolder: string): Promise<void> {
  await mkdir(join(dataFolder, "web"))
  const [key, certificate] = ["server.key", "server.crt"].map((name) => join(dataFolder, "web", name)) as [
    string,
    string,
  ]
  const kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=localhost"]
  await run("openssl", ["req", "-x509", ...kind, "-days", "2", "-keyout", key, "-out", certificate])
}

it.skipIf(!haveChromium || !haveOpenssl)(
  "a browser sees who is behind an address on the relay's own port",
  async () => {
    await using shared = await SharedProgram.start(webCertificate)
    const server = { hosts: ["localhost"], port: String(shared.port), keyHash: shared.keyHash }
    await using client = await connect({ ...server, hosts: ["127.0.0.1"] })
    const { link } = await makeAddress(client, server)
    const browser = await launch()
    try {
      await using visit = await Visit.start(browser, { ignoreHTTPSErrors: true })
      const url = formatShortLink(link).replace("localhost/", `localhost:${shared.port}/`)
      expect(await visit.open(url)).toBe("profile")
      expect(await visit.title()).toBe("Alice")
      expect(visit.complaints).toEqual([])
    } finally {
      await browser.close()
    }
  },
)
