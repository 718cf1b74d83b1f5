import { readFile, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { setTimeout as wait } from "node:timers/promises"
import { nativeCrypto } from "@sluice/crypto/native"
import { connect } from "@sluice/smp-client/connect"
import { createIdentity, identityFiles, rotateLeaf } from "@sluice/transport/certificates"
import { expect, it } from "vitest"
import { TestRelay } from "./support/relay.ts"

const subject = { host: "localhost", now: Math.floor(Date.now() / 1000) }

/** Waits until a result was counted so often. */
async function reloads(relay: TestRelay, result: string, count: number): Promise<void> {
  const line = `sluice_certificate_reloads_total{result="${result}"} ${count}\n`
  const { port } = relay.relay.adminAddress
  for (let i = 0; i < 1000; i++, await wait(10)) {
    if ((await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()).includes(line)) return
  }
  throw new Error(`no ${line}`)
}

it("new certificates are taken over when their files change, and others are refused", async () => {
  await using relay = await TestRelay.start({ store: "memory" })
  const files = identityFiles(join(relay.folder, "identity"))
  const address = { keyHash: relay.relay.fingerprint, hosts: ["127.0.0.1"], port: String(relay.port) }
  const leafNow = async (): Promise<Uint8Array | undefined> => {
    await using connection = await connect({ scheme: "smp", ...address })
    return connection.session.certifiedServerKey?.chain[0]
  }
  const first = await leafNow()
  await using before = await connect({ scheme: "smp", ...address })
  await rotateLeaf(nativeCrypto, files, subject)
  await reloads(relay, "taken", 1)
  const second = await leafNow()
  expect(second).not.toEqual(first)
  await before.ping()

  await writeFile(files.leafCertificate, "half of a certifica")
  await reloads(relay, "refused", 1)
  expect(await leafNow()).toEqual(second)

  // A whole and valid pair, of another identity: that would be another address.
  const other = join(relay.folder, "other")
  await createIdentity(nativeCrypto, identityFiles(other), subject)
  for (const [name, path] of Object.entries(files)) {
    await writeFile(path, await readFile(identityFiles(other)[name as keyof typeof files]))
  }
  await reloads(relay, "refused", 2)
  expect(await leafNow()).toEqual(second)
  await expect(relay.relay.reload?.()).rejects.toThrow(/of another identity/)
})
