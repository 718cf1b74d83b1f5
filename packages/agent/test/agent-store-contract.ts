import { expect, it } from "vitest"
import type { AgentStore } from "../src/store/agent-store.ts"
import { AgentStoreError } from "../src/store/agent-store.ts"
import { connection, delivery, id, notified, received, registration, request, sent } from "./records.ts"

/** A store under test, and how to open it again where it outlives its object. */
export interface StoreUnderTest extends AsyncDisposable {
  readonly store: AgentStore
  reopen?(): Promise<AgentStore>
}

/** What every agent store must do. */
export function agentStoreContract(make: () => Promise<StoreUnderTest>): void {
  it("gives back what was put, and the last of several versions", async () => {
    await using test = await make()
    const { store } = test
    await store.commit([
      { table: "connections", put: connection(1) },
      { table: "received", put: received(1, 4) },
    ])
    await store.commit([{ table: "connections", put: { ...connection(1), lastSentId: 3 } }])
    expect(await store.get("connections", [id(1)])).toEqual({ ...connection(1), lastSentId: 3 })
    expect(await store.get("received", [id(1), 4])).toEqual(received(1, 4))
    expect(await store.get("received", [id(2), 4])).toBeUndefined()
  })

  it("makes the changes of a commit in their order", async () => {
    await using test = await make()
    const { store } = test
    await store.commit([
      { table: "sent", put: sent(1, 1) },
      { table: "sent", remove: [id(1), 1] },
      { table: "sent", put: sent(1, 2) },
    ])
    expect(await store.list("sent")).toEqual([sent(1, 2)])
  })

  it("takes commits in the order in which they were started", async () => {
    await using test = await make()
    const { store } = test
    const started = Array.from({ length: 50 }, (_, n) =>
      store.commit([{ table: "connections", put: { ...connection(1), lastSentId: n } }]),
    )
    await Promise.all(started)
    expect((await store.get("connections", [id(1)]))?.lastSentId).toBe(49)
  })

  it("lists rows by the parts of their keys, numbers by their value", async () => {
    await using test = await make()
    const { store } = test
    const rows = [delivery(1, 1, 256), delivery(1, 1, 2), delivery(1, 2, 1), delivery(2, 1, 1), delivery(1, 1, 255)]
    await store.commit(rows.map((put) => ({ table: "deliveries", put })))
    const ids = (found: readonly { sentId: number }[]): number[] => found.map(({ sentId }) => sentId)
    expect(ids(await store.list("deliveries", { prefix: [id(1), 1] }))).toEqual([2, 255, 256])
    expect(ids(await store.list("deliveries", { prefix: [id(1), 1], limit: 1 }))).toEqual([2])
    expect(ids(await store.list("deliveries", { prefix: [id(1), 1], before: 256 }))).toEqual([2, 255])
    expect(await store.list("deliveries", { prefix: [id(1)] })).toHaveLength(4)
    expect(await store.list("deliveries")).toHaveLength(5)
    expect(await store.list("deliveries", { prefix: [id(3)] })).toEqual([])
  })

  it("lists what expires by time", async () => {
    await using test = await make()
    const { store } = test
    const expiry = (at: number) =>
      ({ at, connectionId: id(1), of: { table: "hashes", hash: Uint8Array.of(at) } }) as const
    await store.commit([30, 10, 20].map((at) => ({ table: "expiries", put: expiry(at) })))
    expect(await store.list("expiries", { before: 21 })).toEqual([expiry(10), expiry(20)])
  })

  it("lists requests with what expires, by time, and removes both", async () => {
    await using test = await make()
    const { store } = test
    const expiry = (at: number) => ({ at, connectionId: id(1), of: { table: "invitations", id: id(at) } }) as const
    for (const at of [20, 10]) {
      await store.commit([
        { table: "invitations", put: request(1, at) },
        { table: "expiries", put: expiry(at) },
      ])
    }
    expect(await store.list("expiries", { before: 20 })).toEqual([expiry(10)])
    expect(await store.get("invitations", [id(10)])).toEqual(request(1, 10))
    await store.commit([
      { table: "invitations", remove: [id(10)] },
      { table: "expiries", remove: [10, id(1), id(10)] },
    ])
    expect(await store.list("expiries")).toEqual([expiry(20)])
    expect(await store.list("invitations")).toEqual([request(1, 20)])
  })

  it("keeps one registration for notifications, and those that are to be deleted", async () => {
    await using test = await make()
    const { store } = test
    const { server, authKeys } = registration
    expect(await store.get("notificationTokens", [])).toBeUndefined()
    await store.commit([{ table: "notificationTokens", put: registration }])
    const active = { ...registration, tokenId: id(1), secret: id(2), status: { type: "ACTIVE" } } as const
    await store.commit([{ table: "notificationTokens", put: active }])
    expect(await store.get("notificationTokens", [])).toEqual(active)
    expect(await store.list("notificationTokens")).toEqual([active])
    const deletion = { server, tokenId: id(1), key: authKeys.privateKey }
    await store.commit([
      { table: "notificationTokens", remove: [] },
      { table: "notificationDeletions", put: deletion },
    ])
    expect(await store.list("notificationTokens")).toEqual([])
    expect(await store.list("notificationDeletions")).toEqual([deletion])
  })

  it("removes a connection with all that belongs to it, and nothing else", async () => {
    await using test = await make()
    const { store } = test
    for (const n of [1, 2]) {
      await store.commit([
        { table: "connections", put: connection(n) },
        { table: "sent", put: sent(n, 1) },
        { table: "deliveries", put: delivery(n, 1, 1) },
        { table: "received", put: received(n, 1) },
        { table: "hashes", put: { connectionId: id(n), hash: Uint8Array.of(1) } },
        { table: "notificationSubscriptions", put: notified(n) },
      ])
    }
    await store.removeConnection(id(1))
    const tables = ["connections", "sent", "deliveries", "received", "hashes", "notificationSubscriptions"] as const
    for (const table of tables) {
      expect(await store.list(table), table).toHaveLength(1)
    }
    expect(await store.get("connections", [id(2)])).toBeDefined()
  })

  it("refuses everything once it is closed", async () => {
    await using test = await make()
    const { store } = test
    await store.close()
    await store.close()
    await expect(store.get("users", [1])).rejects.toThrow(AgentStoreError)
    await expect(store.list("users")).rejects.toThrow(AgentStoreError)
    await expect(store.commit([{ table: "users", put: { id: 1, servers: [] } }])).rejects.toThrow(AgentStoreError)
  })

  it("has everything after it was closed and opened again, where it can be", async () => {
    await using test = await make()
    if (test.reopen === undefined) return
    await test.store.commit([{ table: "received", put: received(1, 1) }])
    await test.store.close()
    const again = await test.reopen()
    expect(await again.list("received")).toEqual([received(1, 1)])
  })
}
