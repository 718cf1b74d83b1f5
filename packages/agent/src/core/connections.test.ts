import { nativeCrypto } from "@sluice/crypto/native"
import { createSntrup761 } from "@sluice/crypto/sntrup761"
import { systemClock } from "@sluice/ops/clock"
import { E2E_RANGE } from "@sluice/ratchet/versions"
import { EventHub } from "@sluice/smp-client/event-hub"
import { CLIENT_LAYER_RANGE } from "@sluice/smp-protocol/versions"
import { describe, expect, it } from "vitest"
import { connection, id } from "../../test/records.ts"
import { DELIVERY_LIMITS } from "../connection/delivered.ts"
import { REQUEST_LIMITS } from "../connection/draft.ts"
import { AgentError } from "../errors.ts"
import type { AgentEvent } from "../events.ts"
import { AGENT_RANGE } from "../protocol/versions.ts"
import { AgentStoreError } from "../store/agent-store.ts"
import { memoryStore } from "../store/memory-store.ts"
import { Connections, type StoredChange } from "./connections.ts"

interface Scene {
  readonly connections: Connections
  /** What was told, in its order. */
  readonly told: (AgentEvent["type"] | StoredChange)[]
  /** Lets the next commit fail. */
  failOnce(): void
}

/** Connection 1 in a store. */
async function scene(): Promise<Scene> {
  const store = memoryStore()
  await store.commit([{ table: "connections", put: connection(1) }])
  const told: Scene["told"] = []
  const events = new EventHub<AgentEvent>("closed", () => new AgentError({ code: "INACTIVE" }))
  events.onAny(({ type }) => told.push(type))
  const connections = new Connections({
    ...{ store, events, crypto: nativeCrypto, kem: createSntrup761(nativeCrypto), clock: systemClock },
    versions: { agent: AGENT_RANGE, client: CLIENT_LAYER_RANGE, e2e: E2E_RANGE },
    limits: { ...DELIVERY_LIMITS, ...REQUEST_LIMITS },
    changed: (change) => told.push(change),
  })
  const failOnce = (): void => {
    const { commit } = store
    store.commit = () => {
      store.commit = commit
      return Promise.reject(new AgentStoreError({ code: "FAILED" }))
    }
  }
  return { connections, told, failOnce }
}

describe("a change of a connection", () => {
  it("is stored before the user hears of it, and others after that", async () => {
    const { connections, told } = await scene()
    const result = await connections.change(id(1), (draft) => {
      draft.set({ sync: "required" })
      draft.emit({ type: "quota-cleared", connectionId: draft.id })
      expect(told).toEqual([])
      return "done"
    })
    expect(result).toBe("done")
    expect((await connections.get(id(1))).sync).toBe("required")
    const after = { ...connection(1), sync: "required" }
    expect(told).toEqual(["quota-cleared", { before: connection(1), after, changes: [] }])
  })

  it("has not happened where it is refused, or where it can not be stored", async () => {
    const { connections, told, failOnce } = await scene()
    const refused = new AgentError({ code: "CONN", reason: "SIMPLEX" })
    const refusing = connections.change(id(1), (draft) => {
      draft.set({ sync: "required" })
      throw refused
    })
    await expect(refusing).rejects.toBe(refused)
    failOnce()
    const storing = connections.change(id(1), (draft) => {
      draft.set({ sync: "required" })
      draft.emit({ type: "quota-cleared", connectionId: draft.id })
    })
    await expect(storing).rejects.toMatchObject({ problem: { code: "STORE", problem: { code: "FAILED" } } })
    expect(await connections.get(id(1))).toEqual(connection(1))
    expect(told).toEqual([])
  })

  it("waits for the one before it", async () => {
    const { connections } = await scene()
    const counting = Array.from({ length: 20 }, () =>
      connections.change(id(1), async (draft) => {
        const { lastSentId } = draft.record
        await Promise.resolve()
        draft.set({ lastSentId: lastSentId + 1 })
      }),
    )
    await Promise.all(counting)
    expect((await connections.get(id(1))).lastSentId).toBe(20)
  })

  it("is possible in a deleted connection only where that is asked for", async () => {
    const { connections } = await scene()
    await connections.change(id(1), (draft) => draft.set({ deleted: { at: 1, wait: false } }))
    await expect(connections.change(id(1), () => undefined)).rejects.toMatchObject({
      problem: { code: "CONN", reason: "NOT_FOUND" },
    })
    expect(await connections.change(id(1), (draft) => draft.record.deleted, { deletedToo: true })).toEqual({
      at: 1,
      wait: false,
    })
  })
})
