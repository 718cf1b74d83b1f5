import { utf8 } from "@sluice/encoding/bytes"
import { expect, test } from "vitest"
import { TestRelay } from "../support/relay.ts"
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
