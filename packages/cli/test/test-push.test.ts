// `sluice notifications test-push` against servers that stand in for the push services.
import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { afterAll, expect, it } from "vitest"
import { ApnsStandIn, apnsRefusal } from "../../push/test/apns-stand-in.ts"
import { FcmStandIn, fcmRefusal } from "../../push/test/fcm-stand-in.ts"
import { type Result, sluice, temporaryFolder } from "./sluice.ts"

const folder = await temporaryFolder()
const apns = await new ApnsStandIn().start()
const fcm = await new FcmStandIn().start()
afterAll(() => Promise.all([apns.stop(), fcm.stop(), folder[Symbol.asyncDispose]()]))

const { key, keyId, teamId } = apns.credentials
await writeFile(join(folder.path, "AuthKey.p8"), key, { mode: 0o600 })
await writeFile(join(folder.path, "apns-ca.pem"), apns.ca)
await writeFile(join(folder.path, "fcm-ca.pem"), fcm.ca)
const env = {
  SLUICE_DATA: folder.path,
  SLUICE_PUSH_APNS_KEY_PATH: "AuthKey.p8",
  SLUICE_PUSH_APNS_KEY_ID: keyId,
  SLUICE_PUSH_APNS_TEAM_ID: teamId,
  SLUICE_PUSH_APNS_PRODUCTION_URL: apns.origin,
  SLUICE_PUSH_APNS_CA: "apns-ca.pem",
  SLUICE_PUSH_FCM_SERVICE_ACCOUNT: fcm.serviceAccount,
  SLUICE_PUSH_FCM_URL: fcm.origin,
  SLUICE_PUSH_FCM_CA: "fcm-ca.pem",
}

function testPush(...args: readonly string[]): Promise<Result> {
  return sluice(["notifications", "test-push", ...args], { env })
}

it("a made-up token that is refused shows that the credentials are taken", async () => {
  apns.answerNext(apnsRefusal(400, "BadDeviceToken"))
  const { code, stdout, stderr } = await testPush("apns_prod")
  expect([code, stdout]).toEqual([0, "credentials accepted\n"])
  expect(stderr).toContain("apns_prod answered 400 BadDeviceToken.")
  expect((await apns.next()).data).toEqual({ checkMessages: true })
})

it("a token gets a push", async () => {
  const { code, stdout } = await testPush("fcm_prod", "a-phone:1", "--json")
  expect(code).toBe(0)
  expect(JSON.parse(stdout)).toEqual({
    service: "fcm_prod",
    result: "delivered",
    outcome: "delivered",
    answer: { status: 200, reason: "" },
  })
  expect((await fcm.next()).deviceToken).toBe("a-phone:1")
})

it("credentials that are not taken, and a token that is none, are failures", async () => {
  apns.answerNext(apnsRefusal(403, "InvalidProviderToken"))
  const refused = await testPush("apns_prod")
  expect([refused.code, refused.stdout]).toEqual([1, "failed\n"])
  expect(refused.stderr).toContain("does not take the credentials")
  fcm.answerNext(fcmRefusal(404, "NOT_FOUND", { code: "UNREGISTERED" }))
  const gone = await testPush("fcm_prod", "secret-token", "--json")
  expect([gone.code, JSON.parse(gone.stdout).reason]).toEqual([1, "UNREGISTERED"])
  expect(gone.stdout + gone.stderr).not.toContain("secret-token")
})

it("what cannot be asked is one line", async () => {
  const bad = await testPush("apns_prod", "not hexadecimal")
  expect([bad.code, bad.stderr]).toEqual([
    2,
    "sluice: the token is not one of apns_prod; allowed: the text that the app has, without the name\n",
  ])
  const other = await testPush("webpush_prod", "x")
  expect(other.code).toBe(2)
  expect(other.stderr).toMatch(/^sluice: .*\n$/)
})
