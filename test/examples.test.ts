import { encodeBase64Url } from "@sluice/encoding/base64url"
import { expect, it } from "vitest"
import { ask, echo, Inbox } from "../examples/echo.ts"
import { TestRelay } from "./support/relay.ts"

it("the echo answers", async () => {
  await using relay = await TestRelay.start()
  const [{ port } = { port: 0 }] = relay.relay.addresses
  const address = `smp://${encodeBase64Url(relay.relay.fingerprint)}@127.0.0.1:${port}`
  await using bot = new Inbox(address)
  await using person = new Inbox(address)
  expect(await ask(person, await echo(bot), "Is anybody there?")).toBe("Is anybody there?")
})
