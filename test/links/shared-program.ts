import { join } from "node:path"
import { loadSettings, type Overrides, placeOf } from "@sluice/cli/place"
import { localFingerprint } from "@sluice/cli/relay-address"
import { readRunRecord } from "@sluice/cli/run-record"
import { programWithPages } from "@sluice/cli/serve/with-pages"
import { nativeCrypto } from "@sluice/crypto/native"
import type { Program } from "@sluice/ops/lifecycle"
import { createIdentity, identityFiles } from "@sluice/transport/certificates"
import { temporaryFolder } from "../../packages/cli/test/sluice.ts"

/** Settings of a relay in memory on a free loopback port, with pages on that port. */
const SETTINGS = {
  ...{ "relay.bind": ["127.0.0.1"], "relay.port": 0, "store.kind": "memory" },
  ...{ "admin.port": 0, "log.level": "error" },
  ...{ "links.enabled": true, "links.port": 0, "links.on_relay_port": true },
  ...{ "links.certificate": "web/server.crt", "links.key": "web/server.key" },
} as const

/** A relay with pages on its port, as `sluice up` runs them. */
export class SharedProgram implements AsyncDisposable {
  readonly folder: string
  readonly program: Program
  readonly port: number
  /** Of the relay's address. */
  readonly keyHash: Uint8Array
  readonly #remove: () => PromiseLike<void>

  private constructor(
    parts: Pick<SharedProgram, "folder" | "program" | "port" | "keyHash">,
    remove: () => PromiseLike<void>,
  ) {
    this.folder = parts.folder
    this.program = parts.program
    this.port = parts.port
    this.keyHash = parts.keyHash
    this.#remove = remove
  }

  /** @param makeCertificate puts `server.crt` and `server.key` for browsers into the folder `web` of the data folder */
  static async start(
    makeCertificate: (dataFolder: string) => Promise<unknown> = ownKind,
    overrides: Overrides = {},
  ): Promise<SharedProgram> {
    const folder = await temporaryFolder()
    const dataFolder = folder.path
    await createIdentity(nativeCrypto, identityFiles(join(dataFolder, "identity")), request())
    await makeCertificate(dataFolder)
    const place = placeOf({ data: dataFolder }, {})
    const settings = loadSettings(place, { ...SETTINGS, ...overrides })
    const program = await programWithPages(place, settings)
    await program.service.start(new AbortController().signal)
    const port = (await readRunRecord(place))?.port ?? 0
    const keyHash = await localFingerprint(place, settings)
    return new SharedProgram({ folder: dataFolder, program, port, keyHash }, () => folder[Symbol.asyncDispose]())
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.program.service.stop(AbortSignal.timeout(5000))
    await this.#remove()
  }
}

/** A certificate with the algorithm of relays, which Node takes and browsers don't. */
function ownKind(dataFolder: string): Promise<unknown> {
  return createIdentity(nativeCrypto, identityFiles(join(dataFolder, "web")), request())
}

function request(): { readonly host: string; readonly now: number } {
  return { host: "localhost", now: Math.floor(Date.now() / 1000) }
}
