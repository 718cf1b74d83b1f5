import { readFileSync } from "node:fs"
import { join } from "node:path"
import { loadConfig } from "@sluice/ops/config"
import { expect, it } from "vitest"
import { pushSettings } from "../src/settings.ts"
import { ApnsStandIn } from "./apns-stand-in.ts"
import { wakeUp } from "./example.ts"

const folder = join(import.meta.dirname, "..")

it("shows the example that works here", async () => {
  const readme = readFileSync(join(folder, "README.md"), "utf8")
  const example = readFileSync(join(folder, "test", "example.ts"), "utf8")
  expect(readme).toContain(`\`\`\`ts\n${example}\`\`\``)
  await using apns = await new ApnsStandIn().start()
  const { key, keyId, teamId } = apns.credentials
  const own = { "push.apns.key": key, "push.apns.key_id": keyId, "push.apns.team_id": teamId }
  const at = { "push.apns.production_url": apns.origin }
  const config = loadConfig({ push: pushSettings }, { overrides: { ...own, ...at } }).push
  // The test's authority is not one that the system trusts.
  expect(await wakeUp(config, folder, "abcd")).toMatch(/^once more in \d+ ms: connection$/)
  expect(await wakeUp(loadConfig({ push: pushSettings }, {}).push, folder, "abcd")).toBe("not configured")
})
