import { encodePublicKey } from "@sluice/crypto/keys"
import { nativeCrypto } from "@sluice/crypto/native"
import { concatBytes } from "@sluice/encoding/bytes"
import { SHORT_UNIT } from "@sluice/server-kit/session-handler"
import { singleContent } from "@sluice/smp-protocol/batch"
import { decodeBlock, type ReceivedCommand } from "@sluice/smp-protocol/block"
import type { Command } from "@sluice/smp-protocol/commands"
import { encodeOutgoing } from "@sluice/smp-protocol/outgoing"
import { transmissionParams } from "@sluice/smp-protocol/transmission"
import { expect, it } from "vitest"
import { queue, rid } from "../../../packages/queue-store/test/fixtures.ts"
import { connect, coreFixture } from "../test/core-fixture.ts"
import { Client } from "./client.ts"
import { processUnit } from "./process-unit.ts"

const { publicKey, privateKey } = nativeCrypto.generateKeyPair("ed25519")
const params = transmissionParams(20, new Uint8Array(32))
const COUNT = 2 * SHORT_UNIT + 1

/** The same command about each of as many queues, as it arrives in one block. */
function block(command: Command): ReceivedCommand[] {
  const sent = Array.from({ length: COUNT }, (_, at) => {
    const outgoing = { corrId: nativeCrypto.randomBytes(24), entityId: rid(at), command, key: privateKey }
    return singleContent(encodeOutgoing({ crypto: nativeCrypto, serverKey: undefined }, params, outgoing)).subarray(1)
  })
  return decodeBlock(concatBytes(Uint8Array.of(COUNT), ...sent), params).map((item) => {
    if (!item.ok) throw new Error("a command that can't be read")
    return item
  })
}

/** A relay with those queues, and a client that tells of every pause between the parts of a block. */
async function fixture(onTurn: (client: Client) => void) {
  const { relay, store } = coreFixture()
  for (let at = 0; at < COUNT; at++) {
    await store.createQueue({ ...queue(at), recipientKeys: [encodePublicKey(publicKey)] })
  }
  const connection = { ...connect(relay).client.connection, turn: async () => onTurn(client) }
  const client: Client = new Client(connection)
  const process = (command: Command) =>
    processUnit(relay, client, block(command), () => {
      throw new Error("nothing of this is slow")
    })
  return { relay, store, client, process }
}

it("verifies a long block in parts, all of them before the first command is executed", async () => {
  const subscribed: number[] = []
  const { client, process } = await fixture((client) => subscribed.push(client.subscriptionCount))
  const { answers } = await process({ tag: "SUB" })
  expect(subscribed).toEqual([0, 0])
  expect(client.subscriptionCount).toBe(COUNT)
  expect(answers.map(({ message }) => message)).toEqual(answers.map(() => ({ tag: "SOK", serviceId: undefined })))
  expect(answers.map(({ entityId }) => entityId)).toEqual(answers.map((_, at) => rid(at)))
})

it("subscribes nothing for a client that goes meanwhile", async () => {
  const { relay, client, process } = await fixture((client) => {
    client.closed = true
  })
  expect(await process({ tag: "SUB" })).toEqual({ answers: [], messages: [] })
  expect(client.subscriptionCount).toBe(0)
  expect(relay.delivery.subscribed).toBe(0)
})

it("executes what else the client asked for, though it goes meanwhile", async () => {
  const { store, process } = await fixture((client) => {
    client.closed = true
  })
  await process({ tag: "DEL" })
  expect(await store.queueByRecipient(rid(1))).toBeUndefined()
})
