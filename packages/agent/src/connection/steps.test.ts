import { describe, expect, it } from "vitest"
import { connectedSides, inviting, joining, madeQueue, Side } from "../../test/two-sides.ts"
import { replyQueueCreated, sendQueueSecured } from "./handshake.ts"
import { emptyConnection, joinInvitation } from "./new-connection.ts"
import { abortSwitch, startSwitch, switchQueueCreated } from "./rotation.ts"
import { nextStep } from "./steps.ts"

const server = { hosts: ["other.example"], port: "", keyHash: new Uint8Array(32) }

describe("the next step", () => {
  it("of nothing is nothing", () => {
    const { env } = new Side()
    expect(
      nextStep(emptyConnection(env, { id: new Uint8Array(12), userId: 1, kind: "contact", pq: true })),
    ).toBeUndefined()
  })

  it("of a joining side secures the queue, makes its own, and leaves the rest to delivery", async () => {
    const { request } = await inviting()
    const side = new Side()
    const choice = { info: new Uint8Array(0), pq: false, server, onlyCreate: true }
    await side.begin({ kind: "joined", pq: false }, (draft) => joinInvitation(draft, request, choice))
    expect(nextStep(await side.record())).toMatchObject({ type: "secure-send", queue: { key: 1 } })
    await side.change((draft) => sendQueueSecured(draft, 1))
    expect(nextStep(await side.record())).toMatchObject({ type: "create", subscribe: false })
    await side.change((draft) => void replyQueueCreated(draft, madeQueue()))
    expect(nextStep(await side.record())).toBeUndefined()
    expect(await side.store.list("deliveries")).toHaveLength(1)
  })

  it("of a queue that its recipient secures is its key, told to the server", async () => {
    const { side: alice, request } = await inviting(false, "old")
    const bob = await joining(request, false, "old")
    expect(nextStep(await bob.record())).toBeUndefined()
    for (const packet of await bob.take()) await alice.receive(packet)
    const [confirmation] = (await alice.record()).confirmations
    expect(confirmation?.senderKey).toBeDefined()
  })

  it("of a rotation makes the new queue; taken back, there is none", async () => {
    const { alice } = await connectedSides()
    await alice.change((draft) => startSwitch(draft, server))
    expect(nextStep(await alice.record())).toMatchObject({ type: "create", planned: { purpose: "switch" } })
    await alice.change(abortSwitch)
    expect(nextStep(await alice.record())).toBeUndefined()
  })

  it("of a rotation that is taken back late deletes the new queue", async () => {
    const { alice } = await connectedSides()
    await alice.change((draft) => startSwitch(draft, server))
    await alice.change((draft) => switchQueueCreated(draft, madeQueue()))
    await alice.change(abortSwitch)
    expect(nextStep(await alice.record())).toMatchObject({ type: "delete", queue: { deleting: { errors: 0 } } })
  })
})
