import { openProviders } from "@sluice/push/open-providers"
import type { PushTarget } from "@sluice/push/provider"
import type { PushConfig } from "@sluice/push/settings"

/** Wakes the app on one iPhone up. Gives what became of it in words. */
export async function wakeUp(config: PushConfig, folder: string, token: string): Promise<string> {
  const providers = await openProviders(config, { folder })
  const apns = providers.get("apns_prod")
  if (apns === undefined) return "not configured"
  const target: PushTarget = { kind: "apns", token }
  const result = await apns.deliver(target, { kind: "check-messages" }, AbortSignal.timeout(30_000))
  await apns.close()
  switch (result.outcome) {
    case "delivered":
      return "delivered"
    case "token-invalid":
      return `forget this token: ${result.reason}`
    case "retry":
      return `once more in ${result.afterMs} ms: ${result.cause}`
    case "failed":
      return `failed: ${result.cause}`
  }
}
