import { inspect } from "node:util"
import { jwsKeyFromPem } from "@sluice/crypto/native/jws"
import { afterAll, expect, it } from "vitest"
import { ApnsStandIn } from "../test/apns-stand-in.ts"
import { randomContent } from "../test/notifications.ts"
import type { Answer } from "../test/stand-in.ts"
import { ApnsProvider } from "./apns-provider.ts"
import { Http2Client } from "./http2-client.ts"
import type { PushNotification } from "./provider.ts"

const TOKEN = "5ec2e75ec2e75ec2e75ec2e7"
const signal = new AbortController().signal
const apns = await new ApnsStandIn().start()
const { key: pem, ...identity } = apns.credentials
const seen: unknown[] = []
const key = jwsKeyFromPem("ES256", pem)
const onAnswer = (status: number, reason: string): void => void seen.push([status, reason])
const provider = new ApnsProvider({ origin: apns.origin, ca: apns.ca, key, ...identity, onAnswer })
afterAll(() => Promise.all([apns.stop(), provider.close()]))

/** A service that repeats what it got, as an error page of a proxy might. */
const talkative: readonly Answer[] = [
  { status: 400, body: { reason: `no such device ${TOKEN}` } },
  { status: 410, body: { reason: TOKEN } },
  { status: 500, body: TOKEN },
  { status: 302, headers: { location: `https://example.org/${TOKEN}` } },
  "drop",
  "reset",
]

it.each(talkative)("nothing that comes out of a failure names the device: %j", async (answer) => {
  apns.answerNext(answer)
  const message: PushNotification = { kind: "message", seal: randomContent() }
  const outcome = await provider.deliver({ kind: "apns", token: TOKEN }, message, signal)
  expect(outcome.outcome).not.toBe("delivered")
  expect(inspect([outcome, seen], { depth: 9, showHidden: true })).not.toContain(TOKEN)
})

it("errors of the client name neither request nor peer", async () => {
  const client = new Http2Client({ origin: apns.origin, ca: apns.ca })
  apns.answerNext("drop")
  const request = {
    method: "POST",
    path: `/3/device/${TOKEN}`,
    headers: { authorization: `bearer ${TOKEN}` },
    body: TOKEN,
  } as const
  await apns.stop()
  const error: unknown = await client.request(request, signal).catch((reason: unknown) => reason)
  expect(inspect(error, { depth: 9, showHidden: true })).not.toMatch(/5ec2e7|localhost/)
  await client.close()
})

it("keys and providers don't show what they hold", () => {
  const secret = pem.split("\n")[1] ?? ""
  expect(inspect([key, provider], { depth: 9, showHidden: true })).not.toContain(secret)
  expect(JSON.stringify([key, provider])).not.toContain(secret)
})
