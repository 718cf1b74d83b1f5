import type { CryptoBackend } from "@sluice/crypto/backend"
import type { KeyPair } from "@sluice/crypto/keys"
import { type JsonObject, jsonBool, jsonText } from "@sluice/encoding/json"
import { OperatorError } from "@sluice/ops/operator-error"
import { exists } from "../identity.ts"
import { formatQueueAddress, type QueueAddress } from "./queue-address.ts"
import { readState, writeState } from "./state-file.ts"
import { jsonEd25519Pair, jsonX25519Pair, keyToJson } from "./state-keys.ts"

/** All that a sender of a queue keeps. */
export interface SenderState {
  /** The queue's address as text: tells whether the state is of the queue that is meant. */
  readonly queue: string
  /** Authorizes sending, once the queue is secured with it. */
  readonly keys: KeyPair<"ed25519">
  /** The sender's half of the end-to-end secret. */
  readonly e2eKeys: KeyPair<"x25519">
  /** Whether the recipient was told that half. */
  readonly introduced: boolean
}

const KIND = "sluice queue, sender"

/** The state in a file, or a new one, written before it is used: keys that a queue is secured with must not be lost. */
export async function openSenderState(c: CryptoBackend, path: string, address: QueueAddress): Promise<SenderState> {
  const queue = formatQueueAddress(address)
  if (!(await exists(path))) {
    const keys = c.generateKeyPair("ed25519")
    const state: SenderState = { queue, keys, e2eKeys: c.generateKeyPair("x25519"), introduced: false }
    await writeSenderState(path, state)
    return state
  }
  const state = await readState(path, KIND, (fields) => ({
    queue: jsonText(fields, "queue"),
    keys: jsonEd25519Pair(c, fields, "senderKey"),
    e2eKeys: jsonX25519Pair(c, fields, "e2eKey"),
    introduced: jsonBool(fields, "introduced"),
  }))
  if (state.queue !== queue)
    throw new OperatorError(`--state: ${path} is not allowed; allowed: the file of this queue, or a new one`)
  return state
}

/** Writes the state into a file of mode 0600. */
export function writeSenderState(path: string, { queue, keys, e2eKeys, introduced }: SenderState): Promise<void> {
  const fields: JsonObject = {
    queue,
    senderKey: keyToJson(keys.privateKey),
    e2eKey: keyToJson(e2eKeys.privateKey),
    introduced,
  }
  return writeState(path, KIND, fields)
}
