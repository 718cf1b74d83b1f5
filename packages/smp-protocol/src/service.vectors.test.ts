import { fromHex, toHex } from "@sluice/encoding/bytes"
import { describe, expect, it } from "vitest"
import { backEnds } from "../test/back-ends.ts"
import { newSmpArray, smpArrays } from "../test/vector-files.ts"
import { idHash, idsHash } from "./ids-hash.ts"
import { senderIdOf } from "./sender-id.ts"
import { addCounters, type ServiceSubscription, subscriptionDifference, subtractCounters } from "./service-counters.ts"
import type { ServiceCounters } from "./types.ts"

interface Counters {
  readonly count: string
  readonly hash: string
}

describe("ids and services of vector files", () => {
  describe.each(backEnds)("$name", (c) => {
    describe.each(smpArrays<{ name: string; corrId: string; senderId: string }>("senderIds"))("$name", ({ cases }) => {
      it.each(cases)("$name", ({ corrId, senderId }) => {
        expect(toHex(senderIdOf(c, fromHex(corrId)))).toBe(senderId)
      })
    })

    describe.each(newSmpArray<{ name: string; ids: string[]; each: string[]; hash: string }>("idsHashes"))(
      "$name",
      ({ cases }) => {
        it.each(cases)("$name", ({ ids, each, hash }) => {
          expect(ids.map((id) => toHex(idHash(c, fromHex(id))))).toEqual(each)
          expect(toHex(idsHash(c, ids.map(fromHex)))).toBe(hash)
        })
      },
    )
  })

  describe.each(
    newSmpArray<{ name: string; counters: Counters; change: Counters; added: Counters; subtracted: Counters }>(
      "serviceCounters",
    ),
  )("$name", ({ cases }) => {
    it.each(cases)("$name", ({ counters, change, added, subtracted }) => {
      expect(addCounters(countersOf(counters), countersOf(change))).toEqual(countersOf(added))
      expect(subtractCounters(countersOf(counters), countersOf(change))).toEqual(countersOf(subtracted))
    })
  })

  describe.each(
    newSmpArray<{
      name: string
      expected: Counters & { serviceId: string }
      subscribed: Counters & { serviceId: string }
      error: keyof typeof DIFFERENCES | null
    }>("serviceSubscriptionResults"),
  )("$name", ({ cases }) => {
    it.each(cases)("$name", ({ expected, subscribed, error }) => {
      const difference = subscriptionDifference(subscriptionOf(expected), subscriptionOf(subscribed))
      expect(difference).toBe(error === null ? undefined : DIFFERENCES[error])
    })
  })
})

const DIFFERENCES = {
  SSErrorServiceId: "service",
  SSErrorQueueCount: "count",
  SSErrorQueueIdsHash: "hash",
} as const

function countersOf({ count, hash }: Counters): ServiceCounters {
  return { count: BigInt(count), hash: fromHex(hash) }
}

function subscriptionOf({ serviceId, ...counters }: Counters & { serviceId: string }): ServiceSubscription {
  return { serviceId: fromHex(serviceId), counters: countersOf(counters) }
}
