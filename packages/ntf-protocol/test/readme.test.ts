import { readFileSync } from "node:fs"
import { join } from "node:path"
import { portableCrypto } from "@sluice/crypto/portable"
import { expect, it } from "vitest"
import { sealMessages } from "../src/push-content.ts"
import { readPush } from "./example.ts"

it("shows the example that works here", () => {
  const folder = join(import.meta.dirname, "..")
  const example = readFileSync(join(folder, "test", "example.ts"), "utf8")
  expect(readFileSync(join(folder, "README.md"), "utf8")).toContain(`\`\`\`ts\n${example}\`\`\``)

  const secret = portableCrypto.randomBytes(32)
  const entry = {
    queue: { server: { hosts: ["h.example"], port: "", keyHash: new Uint8Array(32) }, notifierId: Uint8Array.of(1) },
    time: 1_700_000_000,
    nonce: new Uint8Array(24),
    meta: new Uint8Array(144),
  }
  const sealed = sealMessages({ crypto: portableCrypto, secret }, portableCrypto.randomBytes(24), [entry], 3072)
  expect(readPush(portableCrypto, secret, sealed)).toEqual([entry])
  expect(readPush(portableCrypto, portableCrypto.randomBytes(32), sealed)).toEqual([])
})
