import { jwsKeyFromPem } from "@sluice/crypto/native/jws"
import type { NtfConnection } from "@sluice/ntf-client/connection"
import type { PushTag } from "@sluice/ntf-protocol/device-token"
import { ApnsProvider } from "@sluice/push/apns-provider"
import type { PushProvider } from "@sluice/push/provider"
import { afterEach, describe, expect, it } from "vitest"
import { ApnsStandIn, apnsRefusal } from "../../packages/push/test/apns-stand-in.ts"
import type { Answer } from "../../packages/push/test/stand-in.ts"
import { eventually, TestDevice, TestNotifications, testToken } from "../support/notifications.ts"

const cleanUp: (() => Promise<void>)[] = []

afterEach(async () => {
  for (const end of cleanUp.splice(0).reverse()) await end()
})

/** A notification server in front of a real HTTP/2 server that stands in for the push service of one tag. */
async function serving(tag: PushTag, provider: PushProvider): Promise<NtfConnection> {
  const ntf = await TestNotifications.start({ store: "memory", providers: new Map([[tag, provider]]) })
  cleanUp.push(() => ntf[Symbol.asyncDispose]())
  return ntf.connect()
}

async function apns(): Promise<{ readonly standIn: ApnsStandIn; readonly connection: NtfConnection }> {
  const standIn = await new ApnsStandIn().start()
  cleanUp.push(() => standIn.stop())
  const { origin, ca, credentials } = standIn
  const provider = new ApnsProvider({ ...credentials, origin, ca, key: jwsKeyFromPem("ES256", credentials.key) })
  return { standIn, connection: await serving("AT", provider) }
}

const statusOf = async ({ connection, access }: TestDevice): Promise<string> => {
  const status = await connection.checkToken(access)
  return "reason" in status && status.reason !== undefined ? `${status.type},${status.reason}` : status.type
}

describe("a push service over HTTP/2", () => {
  const rows: readonly (readonly [string, Answer, string, number])[] = [
    ["413", apnsRefusal(413, "PayloadTooLarge"), "CONFIRMED", 2],
    ["a cut connection", "drop", "CONFIRMED", 2],
    ["GOAWAY in mid-flight", "goaway-before", "CONFIRMED", 2],
    ["GOAWAY after an answer", "goaway-after", "CONFIRMED", 1],
  ]

  it.each(rows)("%s", async (name, answer, expected, requests) => {
    const { standIn, connection } = await apns()
    standIn.answerNext(answer)
    const device = await TestDevice.register(connection)
    await eventually(async () => (await statusOf(device)) === expected && standIn.received.length === requests)
    const nonces = new Set(standIn.received.map(({ data }) => data.nonce))
    // What was replayed by the connection itself, because the service did not look at it, is the same push.
    if (answer !== "goaway-before") expect(nonces.size).toBe(requests)
    const lengths = standIn.received.map(({ body }) => body.length)
    if (answer !== "drop" && requests === 2) expect(lengths[1] === lengths[0]).toBe(name !== "413")
  })

  it("a slow answer holds up nobody else", async () => {
    const { standIn, connection } = await apns()
    let answer: (given: Answer) => void = () => undefined
    standIn.answerNext(
      () =>
        new Promise<Answer>((resolve) => {
          answer = resolve
        }),
    )
    const slow = await TestDevice.register(connection, testToken("slow"))
    await standIn.next()
    const other = await TestDevice.register(connection, testToken("other"))
    await eventually(async () => (await statusOf(other)) === "CONFIRMED")
    expect(await statusOf(slow)).toBe("REGISTERED")
    answer({ status: 200 })
    await eventually(async () => (await statusOf(slow)) === "CONFIRMED")
  })

  it("the second answer is final, also when it is about the token", async () => {
    const { standIn, connection } = await apns()
    standIn.answerNext(apnsRefusal(503, "Shutdown"), apnsRefusal(410, "Unregistered"))
    const device = await TestDevice.register(connection)
    await eventually(async () => (await statusOf(device)) === "INVALID,UNREGISTERED")
    standIn.answerNext(apnsRefusal(503, "Shutdown"), apnsRefusal(503, "Shutdown"))
    await connection.registerToken(testToken(), device.keys)
    await eventually(() => standIn.received.length === 4)
    await connection.ping()
    expect(await statusOf(device)).toBe("REGISTERED")
  })
})
