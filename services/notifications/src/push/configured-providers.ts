import { type PushTag, pushTagOf } from "@sluice/ntf-protocol/device-token"
import { openProviders } from "@sluice/push/open-providers"
import type { PushProvider } from "@sluice/push/provider"
import type { NotificationsConfig } from "../config.ts"
import type { PushProviders } from "./pusher.ts"

/**
 * The push services that the configuration has credentials for, by the tags of their tokens; the files with secrets are
 * read now. Connects to none of them. Throws `OperatorError` for credentials that cannot be used or are not complete.
 */
export async function configuredProviders(
  { push }: Pick<NotificationsConfig, "push">,
  dataFolder: string,
): Promise<PushProviders> {
  const providers = new Map<PushTag, PushProvider>()
  for (const [name, provider] of await openProviders(push, { folder: dataFolder })) {
    const tag = pushTagOf(name)
    if (tag !== undefined) providers.set(tag, provider)
  }
  return providers
}
