import type { CryptoBackend } from "@sluice/crypto/backend"
import { type KeyPair, keyForPlace, publicKeyFromString, publicKeyToString, type X25519Key } from "@sluice/crypto/keys"
import { bytesToJson, type JsonObject, jsonBytes, jsonMaybe, jsonText } from "@sluice/encoding/json"
import type { AuthPrivateKey } from "@sluice/smp-protocol/authorization"
import type { EntityId } from "@sluice/smp-protocol/types"
import { formatQueueAddress, parseQueueAddress, type QueueAddress } from "./queue-address.ts"
import { readState, stateText, writeState } from "./state-file.ts"
import { jsonEd25519Pair, jsonX25519Pair, keyToJson } from "./state-keys.ts"

/** All that the recipient of a queue keeps. */
export interface RecipientState {
  readonly address: QueueAddress
  readonly recipientId: EntityId
  readonly recipientKey: AuthPrivateKey
  /** Secret with the relay, 32 bytes: opens what it delivers. */
  readonly dhSecret: Uint8Array
  /** The recipient's half of the end-to-end secret; its public half is in the address. */
  readonly e2eKeys: KeyPair<"x25519">
  /** The sender's half, once a first message told it. */
  readonly senderKey?: X25519Key | undefined
}

const KIND = "sluice queue, recipient"

/** The state as text, to be printed where there is no file. */
export function recipientStateText(state: RecipientState): string {
  return stateText(KIND, toFields(state))
}

/** Writes the state into a file of mode 0600. */
export function writeRecipientState(path: string, state: RecipientState): Promise<void> {
  return writeState(path, KIND, toFields(state))
}

/** Reads it back. Throws `OperatorError`. */
export function readRecipientState(c: CryptoBackend, path: string): Promise<RecipientState> {
  return readState(path, KIND, (fields) => ({
    address: parseQueueAddress(jsonText(fields, "queue")),
    recipientId: jsonBytes(fields, "recipientId"),
    recipientKey: jsonEd25519Pair(c, fields, "recipientKey").privateKey,
    dhSecret: jsonBytes(fields, "dhSecret"),
    e2eKeys: jsonX25519Pair(c, fields, "e2eKey"),
    senderKey: jsonMaybe(fields, "e2eSenderKey", (object, name) =>
      keyForPlace(publicKeyFromString(jsonText(object, name)), "x25519"),
    ),
  }))
}

function toFields(state: RecipientState): JsonObject {
  return {
    queue: formatQueueAddress(state.address),
    recipientId: bytesToJson(state.recipientId),
    recipientKey: keyToJson(state.recipientKey),
    dhSecret: bytesToJson(state.dhSecret),
    e2eKey: keyToJson(state.e2eKeys.privateKey),
    e2eSenderKey: state.senderKey && publicKeyToString(state.senderKey),
  }
}
