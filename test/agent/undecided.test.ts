import { utf8 } from "@sluice/encoding/bytes"
import { expect, test } from "vitest"
import { TestRelay } from "../support/relay.ts"
import { ShiftedClock } from "./shifted-clock.ts"
import { exchange, TestAgent } from "./test-agent.ts"

test("what was not decided before a restart can be decided after it", async () => {
  await using relay = await TestRelay.start({ store: "memory" })
  await using alice = await TestAgent.open("alice", { servers: [relay], store: "lmdb" })
  await using bob = await TestAgent.open("bob", { servers: [relay] })
  const address = await alice.agent.createConnection(alice.userId, { kind: "contact" })
  const { connectionId: b } = await bob.agent.joinConnection(bob.userId, address.link, { info: utf8("bob") })
  const request = await alice.next("request", address.connectionId)
  const invitation = await alice.agent.createConnection(alice.userId)
  await bob.agent.joinConnection(bob.userId, invitation.link, { info: utf8("bob again") })
  const confirmation = await alice.next("confirmation", invitation.connectionId)
  expect(await alice.agent.undecided()).toEqual([request, confirmation])

  await alice.restart()
  expect(await alice.agent.undecided()).toEqual([request, confirmation])
  const { connectionId: a } = await alice.agent.acceptRequest(request.invitationId, { info: utf8("alice") })
  const { confirmationId } = confirmation
  await alice.agent.allowConnection(invitation.connectionId, confirmationId, utf8("alice again"))
  const asked = await bob.next("confirmation", b)
  await bob.agent.allowConnection(b, asked.confirmationId, utf8("bob"))
  await Promise.all([alice.next("connected", a), bob.next("connected", b)])
  await exchange(alice, bob, { a, b })
  await alice.next("connected", invitation.connectionId)
  expect(await alice.agent.undecided()).toEqual([])

  // A request that is rejected is gone.
  await bob.agent.joinConnection(bob.userId, address.link, { info: utf8("bob once more") })
  const { invitationId } = await alice.next("request", address.connectionId)
  expect(await alice.agent.undecided()).toMatchObject([{ type: "request", invitationId }])
  await alice.agent.rejectRequest(invitationId)
  expect(await alice.agent.undecided()).toEqual([])
})

test("requests of strangers are bounded in number and in time", async () => {
  await using relay = await TestRelay.start({ store: "memory" })
  const clock = new ShiftedClock()
  const options = { servers: [relay], store: "lmdb", clock, limits: { requests: 1 } } as const
  await using alice = await TestAgent.open("alice", options)
  await using bob = await TestAgent.open("bob", { servers: [relay] })
  const { connectionId: address, link } = await alice.agent.createConnection(alice.userId, { kind: "contact" })
  const ask = (info: string) => bob.agent.joinConnection(bob.userId, link, { info: utf8(info) })
  await ask("first")
  const first = await alice.next("request", address)
  await ask("too many")
  const { error } = await alice.next("error", address)
  expect(error.message).toBe("the peer's agent: A_PROHIBITED inv: too many")
  expect(await alice.agent.undecided()).toEqual([first])

  // Who was rejected or accepted makes room.
  await alice.agent.rejectRequest(first.invitationId)
  await alice.agent.rejectRequest(first.invitationId)
  await ask("second")
  const second = await alice.next("request", address)
  await alice.agent.acceptRequest(second.invitationId, { info: utf8("alice") })
  await ask("third")
  const third = await alice.next("request", address)

  // So does time.
  clock.skip(29 * 86_400_000)
  await alice.agent.cleanUp()
  expect(await alice.agent.undecided()).toEqual([third])
  clock.skip(2 * 86_400_000)
  await alice.agent.cleanUp()
  expect(await alice.agent.undecided()).toEqual([])
  await ask("fourth")
  const { invitationId } = await alice.next("request", address)

  await alice.agent.deleteConnectionNow(address)
  await expect(alice.agent.acceptRequest(invitationId, { info: utf8("") })).rejects.toMatchObject({
    problem: { code: "CONN", reason: "NOT_FOUND" },
  })
})

test("what waits for an answer can be read again from the store, until it is answered", async () => {
  await using relay = await TestRelay.start({ store: "memory" })
  await using alice = await TestAgent.open("alice", { servers: [relay] })
  await using bob = await TestAgent.open("bob", { servers: [relay] })
  const address = await alice.agent.createConnection(alice.userId, { kind: "contact" })
  const { connectionId: b } = await bob.agent.joinConnection(bob.userId, address.link, { info: utf8("bob") })
  const request = await alice.next("request", address.connectionId)
  expect(await alice.agent.unanswered(request)).toEqual(request)
  const { connectionId: a } = await alice.agent.acceptRequest(request.invitationId, { info: utf8("alice") })
  expect(await alice.agent.unanswered(request)).toBeUndefined()
  const confirmation = await bob.next("confirmation", b)
  expect(await bob.agent.unanswered(confirmation)).toEqual(confirmation)
  await bob.agent.allowConnection(b, confirmation.confirmationId, utf8("bob"))
  await Promise.all([alice.next("connected", a), bob.next("connected", b)])
  expect(await bob.agent.unanswered(confirmation)).toBeUndefined()

  await alice.agent.sendMessage(a, utf8("hello"))
  const { type, meta, ...message } = await bob.next("message", b)
  const reference = { type, connectionId: b, messageId: meta.messageId }
  expect(await bob.agent.unanswered(reference)).toEqual({ type, meta, ...message })
  await bob.agent.acknowledge(b, meta.messageId)
  expect(await bob.agent.unanswered(reference)).toBeUndefined()
  expect(await bob.agent.unanswered({ ...reference, connectionId: a })).toBeUndefined()
})
