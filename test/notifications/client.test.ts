import { readFile } from "node:fs/promises"
import { join } from "node:path"
import { nativeCrypto } from "@sluice/crypto/native"
import { formatServerAddress } from "@sluice/encoding/server-address"
import { NtfClient } from "@sluice/ntf-client/client"
import { SmpClientError } from "@sluice/smp-client/client-error"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { TestNotifications, testToken } from "../support/notifications.ts"
import { register } from "./client-example.ts"

let ntf: TestNotifications

beforeAll(async () => {
  ntf = await TestNotifications.start({ store: "memory" })
})

afterAll(() => ntf[Symbol.asyncDispose]())

async function problem(promise: Promise<unknown>): Promise<string> {
  try {
    await promise
  } catch (error) {
    if (error instanceof SmpClientError) {
      return error.problem.code === "CONNECT" ? `CONNECT ${error.problem.stage}` : error.problem.code
    }
    throw error
  }
  return "none"
}

it("the README of the client shows the example that works here", async () => {
  const folder = join(import.meta.dirname, "..", "..", "packages", "ntf-client")
  const example = await readFile(join(import.meta.dirname, "client-example.ts"), "utf8")
  expect(await readFile(join(folder, "README.md"), "utf8")).toContain(`\`\`\`ts\n${example}\`\`\``)

  const address = formatServerAddress({ scheme: "ntf", ...ntf.address })
  const push = async () => {
    const { content } = await ntf.push.next()
    if (content === undefined) throw new Error("a push without content")
    return content
  }
  expect(await register(address, testToken(), push)).toBe("ACTIVE")
})

describe("a client", () => {
  it("connects when it is needed, and again after the connection was lost", async () => {
    const own = await TestNotifications.start({ store: "memory" })
    await using client = new NtfClient(own.address)
    await Promise.all([client.ping(), client.ping(), client.tryOut()])
    const { port } = own.address
    await own.stop()
    expect(await problem(client.ping())).toMatch(/^(LOST|CONNECT DIAL)$/)
    expect(await problem(client.ping())).toBe("CONNECT DIAL")
    await own.start({ "notifications.port": Number(port) })
    await client.ping()
    await own[Symbol.asyncDispose]()
  })

  it("finds another server than the one of the address out before it says anything", async () => {
    await using client = new NtfClient({ ...ntf.address, keyHash: nativeCrypto.randomBytes(32) })
    expect(await problem(client.tryOut())).toBe("CONNECT IDENTITY")
  })

  it("refuses commands once it is closed, and gives up on those that are aborted", async () => {
    const client = new NtfClient(ntf.address)
    const abort = new AbortController()
    abort.abort(new Error("enough"))
    await expect(client.ping({ signal: abort.signal })).rejects.toThrow("enough")
    await client.ping()
    await client.close()
    await client.close()
    expect(await problem(client.ping())).toBe("CLOSED")
  })

  it("says which keys a server without session key cannot check", async () => {
    const connection = await ntf.connect({ protocols: [] })
    const keys = { ...connection.registrationKeys(), authKeys: nativeCrypto.generateKeyPair("x25519") }
    expect(await problem(connection.registerToken(testToken(), keys))).toBe("NO_SERVER_KEY")
  })

  it("gives answers to many commands in their order", async () => {
    const connection = await ntf.connect()
    const keys = connection.registrationKeys()
    const key = keys.authKeys.privateKey
    const ids = Array.from({ length: 10 }, () => nativeCrypto.randomBytes(24))
    const outcomes = await connection.checkSubscriptions(ids, key)
    expect(outcomes.map(({ ok }) => ok)).toEqual(ids.map(() => false))
    const { tokenId } = await connection.registerToken(testToken("many"), keys)
    const made = await connection.subscribeMany({ tokenId, key }, [])
    expect(made).toEqual([])
  })
})
