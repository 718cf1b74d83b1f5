import { CryptoError } from "@sluice/crypto/errors"
import { jwsKeyFromPem } from "@sluice/crypto/native/jws"
import { p256FromPem } from "@sluice/crypto/native/p256"
import type { Clock } from "@sluice/ops/clock"
import { OperatorError } from "@sluice/ops/operator-error"
import type { AnswerListener } from "./answer-listener.ts"
import { ApnsProvider } from "./apns-provider.ts"
import { FcmProvider } from "./fcm-provider.ts"
import type { PushProvider } from "./provider.ts"
import { readPlain, readSecret } from "./secret-source.ts"
import { parseServiceAccount } from "./service-account.ts"
import type { PushConfig } from "./settings.ts"
import { WebPushProvider } from "./web-push-provider.ts"

/** Push services as the protocol names them (notifications.md §3.3, §8). The tests' ones stand in for the others. */
export type PushServiceName =
  | "apns_prod"
  | "apns_dev"
  | "apns_test"
  | "fcm_prod"
  | "fcm_test"
  | "webpush_prod"
  | "webpush_test"

/** Services that are configured; one that is missing is for the protocol's error. */
export type OpenedProviders = ReadonlyMap<PushServiceName, PushProvider>

/** What providers are opened with. */
export interface OpenOptions {
  /** Folder that relative paths of the configuration are taken from. */
  readonly folder: string
  readonly clock?: Clock
  readonly onAnswer?: AnswerListener
}

/**
 * The providers that the configuration has credentials for. Files are read now, nothing is connected to. Throws
 * `OperatorError`, one line, for credentials that are incomplete or cannot be used.
 */
export async function openProviders(config: PushConfig, options: OpenOptions): Promise<OpenedProviders> {
  return new Map([
    ...(await openApns(config.apns, options)),
    ...(await openFcm(config.fcm, options)),
    ...(await openWeb(config.web, options)),
  ])
}

type Opened = readonly (readonly [PushServiceName, PushProvider])[]

async function openApns(config: PushConfig["apns"], { folder, clock, onAnswer }: OpenOptions): Promise<Opened> {
  const { keyPath, key, keyId, teamId, topic, paddedLength, testUrl, requestTimeout } = config
  const pem = await readSecret({ key: "push.apns.key_path", path: keyPath, value: key, folder })
  if (pem === undefined && keyId === undefined) return []
  if (pem === undefined) throw new OperatorError("push.apns.key_path is not set: push.apns.key_id names its key")
  if (keyId === undefined)
    throw new OperatorError("push.apns.key_id is not set: it names the key of push.apns.key_path")
  const own = { keyId, teamId, topic, paddedLength, requestTimeout, clock, onAnswer }
  const ca = await readPlain("push.apns.ca", config.ca, folder)
  const options = { ...own, ca, key: usable("push.apns.key_path", P256, () => jwsKeyFromPem("ES256", pem)) }
  const at = (url: string): ApnsProvider => new ApnsProvider({ ...options, origin: new URL(url).origin })
  return [
    ["apns_prod", at(config.productionUrl)],
    ["apns_dev", at(config.sandboxUrl)],
    ...(testUrl === undefined ? [] : [["apns_test", at(testUrl)] as const]),
  ]
}

async function openFcm(config: PushConfig["fcm"], { folder, clock, onAnswer }: OpenOptions): Promise<Opened> {
  const { serviceAccountPath: path, serviceAccount: value, url, testUrl, requestTimeout } = config
  const key = "push.fcm.service_account_path"
  const text = await readSecret({ key, path, value, folder })
  if (text === undefined) return []
  const account = parseServiceAccount(text)
  if (account === undefined) throw unusable(key, "the JSON file of a Google service account")
  const ca = await readPlain("push.fcm.ca", config.ca, folder)
  const at = (address: string): FcmProvider =>
    new FcmProvider({ account, ca, requestTimeout, clock, onAnswer, origin: new URL(address).origin })
  return [["fcm_prod", at(url)], ...(testUrl === undefined ? [] : [["fcm_test", at(testUrl)] as const])]
}

async function openWeb(config: PushConfig["web"], { folder, clock, onAnswer }: OpenOptions): Promise<Opened> {
  const { keyPath, key, subject, allowPrivate, test, maxPerHost, maxConnections, requestTimeout } = config
  const pem = await readSecret({ key: "push.web.key_path", path: keyPath, value: key, folder })
  if (pem === undefined) return []
  if (subject === undefined) {
    throw new OperatorError(
      "push.web.subject is not set: push services want to know the operator; a mailto: or https: URL",
    )
  }
  const privateKey = usable("push.web.key_path", P256, () => p256FromPem(pem))
  const ca = await readPlain("push.web.ca", config.ca, folder)
  const options = { privateKey, subject, ca, maxPerHost, maxConnections, requestTimeout, clock, onAnswer }
  return [
    ["webpush_prod", new WebPushProvider({ ...options, allowPrivate })],
    ...(test ? [["webpush_test", new WebPushProvider({ ...options, allowPrivate: true })] as const] : []),
  ]
}

const P256 = "a P-256 key as unencrypted PKCS#8 PEM"

function usable<T>(key: string, allowed: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (error instanceof CryptoError) throw unusable(key, allowed)
    throw error
  }
}

/** Says nothing of what is in the file: it may be a secret, although not a usable one. */
function unusable(key: string, allowed: string): OperatorError {
  return new OperatorError(`${key}: what it leads to cannot be used; allowed: ${allowed}`)
}
