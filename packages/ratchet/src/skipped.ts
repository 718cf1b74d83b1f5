import { equalBytes } from "@sluice/encoding/bytes"

/** The key of a message that has not come yet; decrypts it once, whenever it comes. */
export interface SkippedKey {
  /** Header key of its chain, 32 bytes. */
  readonly headerKey: Uint8Array
  /** Its number in the chain, u32. */
  readonly number: number
  /** 32 bytes. */
  readonly messageKey: Uint8Array
  /** 16 bytes. */
  readonly iv: Uint8Array
}

/** All skipped keys of one chain. */
export interface SkippedChain {
  /** 32 bytes. */
  readonly headerKey: Uint8Array
  /** By number of the message, never empty. */
  readonly keys: ReadonlyMap<number, SkippedKey>
}

/** The skipped keys of a ratchet, chains in the order in which they were first skipped. */
export type SkippedKeys = readonly SkippedChain[]

/** What a decryption does to the skipped keys; to be saved together with the new state. */
export type SkippedChange =
  | { readonly type: "none" }
  | { readonly type: "add"; readonly keys: readonly SkippedKey[] }
  | { readonly type: "remove"; readonly headerKey: Uint8Array; readonly number: number }

/** The most keys that are made to reach one message (per chain, so up to twice as many for one that starts a chain). */
export const MAX_SKIP = 512

export const NO_SKIPPED: SkippedKeys = []
export const NO_CHANGE: SkippedChange = { type: "none" }

/** Groups stored keys by chain; the order within and among chains is that of `keys`. */
export function skippedKeysOf(keys: Iterable<SkippedKey>): SkippedKeys {
  const chains: { headerKey: Uint8Array; keys: Map<number, SkippedKey> }[] = []
  for (const key of keys) {
    const known = chains.findLast(({ headerKey }) => equalBytes(headerKey, key.headerKey))
    if (known === undefined) chains.push({ headerKey: key.headerKey, keys: new Map([[key.number, key]]) })
    else known.keys.set(key.number, key)
  }
  return chains
}

/** All keys, chain by chain: the reverse of {@link skippedKeysOf}. */
export function skippedKeyList(skipped: SkippedKeys): SkippedKey[] {
  return skipped.flatMap(({ keys }) => [...keys.values()])
}

/** The keys after a change. Never alters its input. */
export function applySkipped(skipped: SkippedKeys, change: SkippedChange): SkippedKeys {
  switch (change.type) {
    case "none":
      return skipped
    case "add":
      return skippedKeysOf([...skippedKeyList(skipped), ...change.keys])
    case "remove":
      return skipped.flatMap((chain) =>
        equalBytes(chain.headerKey, change.headerKey) ? without(chain, change.number) : [chain],
      )
    default:
      return change satisfies never
  }
}

function without(chain: SkippedChain, number: number): SkippedChain[] {
  const keys = new Map(chain.keys)
  keys.delete(number)
  return keys.size === 0 ? [] : [{ headerKey: chain.headerKey, keys }]
}

/**
 * The keys to delete so that at most `limit` stay, oldest chains first and in each the oldest messages. A peer can make
 * the other side keep up to 1024 more with every message, so whoever stores them should set an end to it.
 */
export function skippedBeyond(skipped: SkippedKeys, limit: number): SkippedKey[] {
  const keys = skippedKeyList(skipped)
  return keys.slice(0, Math.max(0, keys.length - limit))
}
