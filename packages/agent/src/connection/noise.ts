import { EMPTY, equalBytes, utf8 } from "@sluice/encoding/bytes"

/*
 * A relay can count the messages of a queue. Noise hides how many of them say something: now and then a message without
 * content is sent, which looks like all others and which the peer drops. Only to a peer that knows it: an agent that does
 * says so in the information of its receipts, which all others ignore.
 */

/** What a receipt says about its sender. */
const MARK: Uint8Array = utf8("sluice-noise/1")

/** Body of a message that says nothing; nobody writes it by chance. */
export const NOISE_BODY: Uint8Array = utf8("sluice-noise/1 1f6c0c5e8d7b4f0aa0f3d2b1c49e7758")

/** Whether a message says nothing. */
export function isNoise(body: Uint8Array): boolean {
  return equalBytes(body, NOISE_BODY)
}

/** The information of a receipt for which the user has given none. */
export function receiptInfo(noise: boolean): Uint8Array {
  return noise ? MARK : EMPTY
}

/** Whether the sender of a receipt takes noise. */
export function takesNoise(info: Uint8Array): boolean {
  return equalBytes(info, MARK)
}
