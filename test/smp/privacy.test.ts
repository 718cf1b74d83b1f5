import { encodePublicKey, type PublicKey } from "@sluice/crypto/keys"
import { utf8 } from "@sluice/encoding/bytes"
import { systemClock } from "@sluice/ops/clock"
import { createLog } from "@sluice/ops/log"
import { expect, test } from "vitest"
import { authKeys, createQueue, type TestQueue } from "../support/queue.ts"
import { newCorrId, type RawClient } from "../support/raw-client.ts"
import { TestRelay } from "../support/relay.ts"
import { sampleCommands } from "../support/samples.ts"
import { formsOf } from "../support/secrets.ts"
import { connectService, selfSigned } from "../support/services.ts"
import { ack, addNotifier, nsub, receive, secure, sendTo } from "../support/steps.ts"

/** Where the clients come from: another address than that of the relay itself, which it may name. */
const ADDRESS = "127.0.0.77"

/**
 * Nothing that identifies a client is logged or exported at the default level (design.md §2, rule 5): a session with every
 * kind of command, good and bad, is run, and everything that the relay says meanwhile is searched.
 */
test("logs and metrics name no client address, id, key or message", async () => {
  let said = ""
  const sink = { write: (line: string) => (said += line) }
  const log = createLog({ level: "info", format: "json", service: "relay" }, { clock: systemClock, sink })
  await using relay = await TestRelay.start({ log, settings: { "relay.message_quota": 2 } })
  const secrets: [what: string, bytes: Uint8Array][] = []
  const secret = (what: string, bytes: Uint8Array | undefined): void => {
    if (bytes !== undefined) secrets.push([what, bytes])
  }
  const key = (what: string, publicKey: PublicKey): void => {
    secret(what, publicKey.raw)
    secret(what, encodePublicKey(publicKey))
  }
  const note = ({ ids, keys, senderKeys, notifier }: TestQueue): void => {
    secret("recipient id", ids.recipientId)
    secret("sender id", ids.senderId)
    secret("link id", ids.linkId)
    secret("notifier id", notifier?.notifierId)
    key("recipient key", keys.publicKey)
    if (senderKeys !== undefined) key("sender key", senderKeys.publicKey)
    if (notifier !== undefined) key("notifier key", notifier.keys.publicKey)
  }

  const connect = (): Promise<RawClient> => relay.connect({ from: ADDRESS })
  const [r, s, n] = [await connect(), await connect(), await connect()]
  const body = "a very private message"
  secret("message", utf8(body))
  const link = { fixed: utf8("private fixed data"), user: utf8("private user data") }
  secret("link data", link.fixed)
  secret("link data", link.user)
  const queue = await createQueue(r)
  await secure(r, queue)
  await addNotifier(r, queue)
  await nsub(n, queue)
  const contact = await createQueue(r, { mode: "contact", link })
  for (const { session } of [r, s, n]) secret("session id", session.sessionId)

  await sendTo(s, queue, body, true)
  const received = await receive(r, queue)
  secret("message id", received.id)
  await n.event()
  await sendTo(s, queue, body)
  await sendTo(s, queue, body)
  await ack(r, queue, received)
  await s.ask({ tag: "LGET" }, { entity: contact.ids.linkId ?? newCorrId() })
  await relay.store.block(contact.ids.recipientId, { reason: "spam" })
  await sendTo(s, contact, body)
  note(queue)
  note(contact)
  await everythingThatFails(s, queue, secret)

  const service = selfSigned("M")
  const c = await connectService(relay, service, 20)
  const owned = await createQueue(c)
  note(owned)
  secret("service id", c.serviceId)
  secret("service fingerprint", service.credentials.fingerprint)
  await c.ask({ tag: "DEL" }, owned.asRecipient)
  // A storage that fails.
  await relay.store.close()
  expect(await sendTo(n, queue, body)).toMatchObject({ error: { type: "STORE" } })
  expect(said).toContain('"message":"the store failed"')
  // A block that is none, and a peer that goes away in the middle of one.
  s.sendContent(utf8(body))
  await s.block()
  s.sendBlock(new Uint8Array(16_384).fill(0xff))
  for (const client of [r, s, n, c]) client.close()

  const { port } = relay.relay.adminAddress
  const metrics = await relay.metrics()
  const ready = await (await fetch(`http://127.0.0.1:${port}/readyz`)).text()
  await relay.stop()
  log.flush()

  expect(metrics).toContain("smp_")
  expect(said).toContain('"message":"relay is serving"')
  expect(secrets.length).toBeGreaterThan(25)
  for (const [name, text] of Object.entries({ logs: said, metrics, ready })) {
    for (const [what, bytes] of secrets) {
      for (const form of formsOf(bytes)) expect(text.includes(form), `${name} name a ${what}`).toBe(false)
    }
    expect(text, `${name} name an address`).not.toContain(ADDRESS)
  }
})

async function everythingThatFails(
  client: RawClient,
  queue: TestQueue,
  secret: (what: string, bytes: Uint8Array) => void,
): Promise<void> {
  const { privateKey } = authKeys()
  const entity = newCorrId()
  secret("unknown id", entity)
  for (const command of Object.values(sampleCommands())) {
    for (const who of [{}, { entity }, { entity, key: privateKey }, { ...queue.asRecipient, key: privateKey }]) {
      client.send({ command, ...who })
      await client.block()
    }
  }
}
