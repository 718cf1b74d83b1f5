import { utf8 } from "@sluice/encoding/bytes"
import type { Server } from "@sluice/encoding/server-address"
import { formatSubscriptionStatus, type TokenStatus } from "@sluice/ntf-protocol/status"
import { afterEach, beforeEach, expect } from "vitest"
import type { NtfStore, PushReference, SubscriptionRecord, TokenRecord } from "../../src/store/ntf-store.ts"
import { LIMITS, newSubscription, newToken, relayAt } from "./samples.ts"

/** Makes a new, empty store. */
export type MakeStore = () => Promise<NtfStore>

/** A store for each test of a suite, and what tests often do with it. */
export interface TestedStore {
  /** That of the present test. */
  store(): NtfStore
  /** A registration that is not verified. */
  token(options?: Partial<TokenRecord>): Promise<TokenRecord>
  /** One that is, of this device token. */
  activeToken(text?: string): Promise<TokenRecord>
  /** Its subscription to a new queue. */
  subscribed(token: TokenRecord, server?: Server): Promise<SubscriptionRecord>
  statusOf(token: TokenRecord): Promise<TokenStatus | undefined>
  /** Its status as text, and whether it is the service's. */
  subscriptionStatus(subscription: SubscriptionRecord): Promise<readonly [string, boolean] | undefined>
  /** All pushes that wait. */
  pushes(): Promise<readonly PushReference[]>
}

/** Makes a store for each test and closes it afterwards. To be called inside of `describe`. */
export function testedStore(make: MakeStore): TestedStore {
  let present: NtfStore | undefined
  beforeEach(async () => {
    present = await make()
  })
  afterEach(async () => {
    await present?.close()
    present = undefined
  })

  const store = (): NtfStore => {
    if (present === undefined) throw new Error("no test is running")
    return present
  }
  const token = async (options: Partial<TokenRecord> = {}): Promise<TokenRecord> => {
    const made = newToken(options)
    expect(await store().createToken(made)).toBe("created")
    return made
  }
  return {
    store,
    token,
    async activeToken(text = "abcd") {
      const made = await token({ device: { provider: "AT", token: utf8(text) } })
      expect(await store().activateToken(made.tokenId, made.code)).toEqual([])
      return made
    },
    async subscribed({ tokenId }, server = relayAt("one")) {
      const created = await store().createSubscription(newSubscription(tokenId, server), LIMITS)
      if (created.result !== "created") throw new Error(created.result)
      return created.subscription
    },
    statusOf: async ({ tokenId }) => (await store().token(tokenId))?.status,
    async subscriptionStatus({ subscriptionId }) {
      const found = await store().subscription(subscriptionId)
      return found && [formatSubscriptionStatus(found.subscription.status), found.subscription.associated]
    },
    pushes: async () => (await store().pendingPushes({ limit: 100 })).items,
  }
}
