import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { loadConfig } from "@sluice/ops/config"
import { readSecretFile } from "@sluice/ops/config-file"
import { OperatorError } from "@sluice/ops/operator-error"
import { afterAll, describe, expect, it } from "vitest"
import { ApnsStandIn } from "../test/apns-stand-in.ts"
import { FcmStandIn } from "../test/fcm-stand-in.ts"
import { randomContent } from "../test/notifications.ts"
import { WebPushStandIn } from "../test/web-push-stand-in.ts"
import { openProviders } from "./open-providers.ts"
import { DELIVERED, type PushNotification } from "./provider.ts"
import { type PushConfig, pushSettings } from "./settings.ts"

const folder = mkdtempSync(join(tmpdir(), "sluice-push-"))
afterAll(() => rmSync(folder, { recursive: true }))
const apns = await new ApnsStandIn().start()
const fcm = await new FcmStandIn().start()
const web = await new WebPushStandIn().start()
afterAll(() => Promise.all([apns.stop(), fcm.stop(), web.stop()]))

const pem = apns.credentials.key
put("apns.p8", pem)
put("fcm.json", fcm.serviceAccount)
put("vapid.pem", pem)
put("empty", "")
put("open.p8", pem)
chmodSync(join(folder, "open.p8"), 0o644)
for (const [name, service] of Object.entries({ apns, fcm, web })) put(`${name}-ca.pem`, service.ca)

function put(name: string, text: string): void {
  writeFileSync(join(folder, name), text, { mode: 0o600 })
}

function configOf(overrides: Record<string, unknown>, env: Record<string, string> = {}): PushConfig {
  return loadConfig({ push: pushSettings }, { overrides, env, readSecretFile }).push
}

it("opens nothing without credentials", async () => {
  expect((await openProviders(configOf({}), { folder })).size).toBe(0)
})

it("opens what there are credentials for, each at its address", async () => {
  const providers = await openProviders(
    configOf({
      "push.apns.key_path": "apns.p8",
      "push.apns.key_id": apns.credentials.keyId,
      "push.apns.team_id": apns.credentials.teamId,
      "push.apns.test_url": apns.origin,
      "push.apns.ca": "apns-ca.pem",
      "push.fcm.service_account_path": "fcm.json",
      "push.fcm.test_url": fcm.origin,
      "push.fcm.ca": "fcm-ca.pem",
      "push.web.key_path": "vapid.pem",
      "push.web.subject": "mailto:operator@example.org",
      "push.web.test": true,
      "push.web.ca": "web-ca.pem",
    }),
    { folder },
  )
  const names = ["apns_dev", "apns_prod", "apns_test", "fcm_prod", "fcm_test", "webpush_prod", "webpush_test"]
  expect([...providers.keys()].toSorted()).toEqual(names)
  const message: PushNotification = { kind: "message", seal: randomContent() }
  const { signal } = new AbortController()
  const outcomes = await Promise.all([
    providers.get("apns_test")?.deliver({ kind: "apns", token: "abcd" }, message, signal),
    providers.get("fcm_test")?.deliver({ kind: "fcm", token: "token" }, message, signal),
    providers.get("webpush_test")?.deliver({ kind: "web-push", ...web.subscribe() }, message, signal),
    // The same at a private address, which the one for everybody does not connect to.
    providers.get("webpush_prod")?.deliver({ kind: "web-push", ...web.subscribe() }, message, signal),
  ])
  expect(outcomes).toEqual([DELIVERED, DELIVERED, DELIVERED, { outcome: "failed", cause: "refused" }])
  for (const provider of providers.values()) await provider.close()
})

it("takes keys from the environment, line breaks written out", async () => {
  const env = { SLUICE_PUSH_APNS_KEY: pem.replaceAll("\n", "\\n"), SLUICE_PUSH_APNS_KEY_ID: "ABCDEF1234" }
  expect([...(await openProviders(configOf({}, env), { folder })).keys()]).toEqual(["apns_prod", "apns_dev"])
  const file = { SLUICE_PUSH_FCM_SERVICE_ACCOUNT_FILE: join(folder, "fcm.json") }
  expect([...(await openProviders(configOf({}, file), { folder })).keys()]).toEqual(["fcm_prod"])
})

describe("one line for operators", () => {
  const apnsKey = { "push.apns.key_id": "ABCDEF1234" }
  it.each([
    [{ "push.apns.key_path": "apns.p8" }, "push.apns.key_id is not set: it names the key of push.apns.key_path"],
    [apnsKey, "push.apns.key_path is not set: push.apns.key_id names its key"],
    [{ ...apnsKey, "push.apns.key_path": "none.p8" }, `push.apns.key_path: cannot read "${folder}/none.p8" (ENOENT)`],
    [{ ...apnsKey, "push.apns.key_path": "." }, `push.apns.key_path: cannot read "${folder}" (EISDIR)`],
    [
      { ...apnsKey, "push.apns.key_path": "open.p8" },
      `push.apns.key_path: "${folder}/open.p8" has mode 644; allowed: a file that nobody else can read: chmod 600`,
    ],
    [
      { ...apnsKey, "push.apns.key_path": "fcm.json" },
      "push.apns.key_path: what it leads to cannot be used; allowed: a P-256 key as unencrypted PKCS#8 PEM",
    ],
    [
      { ...apnsKey, "push.apns.key_path": "apns.p8", "push.apns.key": pem },
      "push.apns.key_path: push.apns.key is set, too; keep one of them",
    ],
    [
      { "push.fcm.service_account_path": "apns.p8" },
      "push.fcm.service_account_path: what it leads to cannot be used; allowed: the JSON file of a Google service account",
    ],
    [
      { "push.fcm.service_account_path": "empty" },
      "push.fcm.service_account_path: what it leads to cannot be used; allowed: the JSON file of a Google service account",
    ],
    [
      { "push.web.key_path": "vapid.pem" },
      "push.web.subject is not set: push services want to know the operator; a mailto: or https: URL",
    ],
    [
      { "push.web.key_path": "fcm.json", "push.web.subject": "https://example.org" },
      "push.web.key_path: what it leads to cannot be used; allowed: a P-256 key as unencrypted PKCS#8 PEM",
    ],
  ])("%j", async (overrides, message) => {
    // Modes mean nothing where the files are another system's.
    const opened = openProviders(configOf(overrides), { folder })
    await expect(opened).rejects.toThrow(new OperatorError(message.replace(`"${folder}"`, JSON.stringify(folder))))
  })

  it("settings of a wrong form don't show secrets", () => {
    expect(() => configOf({ "push.apns.key": "x".repeat(20_000) })).toThrow(/\[hidden\]/)
    expect(() => configOf({ "push.apns.production_url": "http://example.org" })).toThrow(/https/)
    expect(() => configOf({ "push.web.subject": "me" })).toThrow(/mailto/)
  })
})
