import { StoreError } from "@sluice/queue-store/store-error"
import { expect, it, vi } from "vitest"
import { message, queue, rid } from "../../../../packages/queue-store/test/fixtures.ts"
import { connect, coreFixture, subscribe } from "../../test/core-fixture.ts"
import { ack, get } from "./messages.ts"

const failure = new StoreError({ code: "STORE_UNAVAILABLE", operation: "acknowledge" })
const corrId = new Uint8Array(24)

it.each(["SUB", "GET"] as const)("an ACK that the store failed can be repeated (after %s)", async (by) => {
  const { relay, store } = coreFixture()
  const { client } = connect(relay)
  await store.createQueue(queue(1))
  await store.enqueue(rid(1), message(1), { quota: 9 })
  const received = { corrId, entityId: rid(1), queue: queue(1) }
  if (by === "SUB") await subscribe(relay, client, queue(1))
  else await get(relay, client, { ...received, command: { tag: "GET" } })

  const request = { ...received, command: { tag: "ACK", msgId: message(1).id } as const }
  const broken = vi.spyOn(store, "acknowledge").mockRejectedValueOnce(failure)
  await expect(ack(relay, client, request)).rejects.toBe(failure)
  broken.mockRestore()
  expect((await ack(relay, client, request)).message).toEqual({ tag: "OK" })
  expect(await store.messages(rid(1))).toEqual([])
})
