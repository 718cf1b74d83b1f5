import { mkdtempSync, rmSync } from "node:fs"
import { request } from "node:http"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { loadConfig } from "@sluice/ops/config"
import { Metrics } from "@sluice/ops/metrics"
import { type RecordingLog, recordingLog } from "@sluice/ops/recording-log"
import { linksSettings } from "../src/config.ts"
import { createLinksServer, type LinksServer, type LinksServerParts } from "../src/links-server.ts"

/** An answer of the pages. */
export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: string
}

/** The pages on a free loopback port. */
export class LinksUnderTest implements AsyncDisposable {
  readonly folder: string = mkdtempSync(join(tmpdir(), "sluice-links-"))
  readonly log: RecordingLog = recordingLog()
  readonly metrics: Metrics = new Metrics()
  #server: LinksServer | undefined

  static async start(
    overrides: Readonly<Record<string, unknown>> = {},
    parts: Partial<LinksServerParts> = {},
  ): Promise<LinksUnderTest> {
    const test = new LinksUnderTest()
    const { links } = loadConfig(linksSettings, { overrides: { "links.port": 0, ...overrides } })
    const { log, metrics, folder: dataFolder } = test
    test.#server = await createLinksServer(links, { log, metrics, dataFolder, ...parts })
    await test.#server.start()
    return test
  }

  get server(): LinksServer {
    if (this.#server === undefined) throw new Error("not started")
    return this.#server
  }

  /** A request with exactly these headers, and `Host`. */
  get(path: string, headers: Readonly<Record<string, string>> = {}, method = "GET"): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const options = { host: "127.0.0.1", port: this.server.address.port, path, method, headers }
      const sent = request(options, (response) => {
        const chunks: Buffer[] = []
        response.on("data", (bytes: Buffer) => chunks.push(bytes)).on("error", reject)
        response.on("end", () => {
          const { statusCode = 0, headers: received } = response
          resolve({ status: statusCode, headers: received, body: Buffer.concat(chunks).toString() })
        })
      })
      sent.on("error", reject).end()
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server[Symbol.asyncDispose]()
    rmSync(this.folder, { recursive: true, force: true })
  }
}
