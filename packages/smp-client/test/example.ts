import { nativeCrypto } from "@sluice/crypto/native"
import { fromUtf8, utf8 } from "@sluice/encoding/bytes"
import { parseServerAddress } from "@sluice/encoding/server-address"
import { SmpClient } from "@sluice/smp-client/client"
import { E2eRecipient, E2eSender } from "@sluice/smp-client/e2e"

/** Alice makes a queue at a relay, Bob sends her a greeting through it, and Alice reads it. */
export async function greet(relayAddress: string): Promise<string> {
  const relay = parseServerAddress(relayAddress, { scheme: "smp" })

  await using alice = new SmpClient(relay, { patience: "interactive" })
  const aliceEnd = new E2eRecipient(nativeCrypto)
  const arrival = alice.events.once("message")
  const queue = await alice.createQueue()

  // What Bob has to know about the queue: the relay, the sender id, and Alice's key.
  await using bob = new SmpClient(relay, { patience: "interactive" })
  const keys = nativeCrypto.generateKeyPair("ed25519")
  await bob.secureAsSender({ senderId: queue.senderId }, keys)
  const bobEnd = new E2eSender(nativeCrypto, aliceEnd.publicKey)
  const body = bobEnd.confirmation(utf8("hello, Alice"))
  await bob.sendMessage({ senderId: queue.senderId, senderKey: keys.privateKey }, body)

  const message = await arrival
  const delivered = alice.decryptDelivered(queue, message)
  await alice.acknowledge(queue, message.msgId)
  const opened = delivered?.kind === "message" ? aliceEnd.open(delivered.body) : undefined
  return opened === undefined ? "unreadable" : fromUtf8(opened.body)
}
