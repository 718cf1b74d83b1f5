import { readFile } from "node:fs/promises"
import { resolve } from "node:path"
import { CryptoError } from "@sluice/crypto/errors"
import { jwsKeyFromPem } from "@sluice/crypto/native/jws"
import type { PushTag } from "@sluice/ntf-protocol/device-token"
import { OperatorError } from "@sluice/ops/operator-error"
import { APNS_ORIGIN, type ApnsOptions, ApnsProvider } from "@sluice/push/apns-provider"
import { FCM_ORIGIN, FcmProvider } from "@sluice/push/fcm-provider"
import type { PushProvider } from "@sluice/push/provider"
import { parseServiceAccount } from "@sluice/push/service-account"
import type { NotificationsConfig } from "../config.ts"
import type { PushProviders } from "./pusher.ts"

/**
 * The push services that the configuration has credentials for; the files with secrets are read now. Connects to none of
 * them. Throws `OperatorError` for files that cannot be used and for credentials that are not complete.
 */
export async function configuredProviders(
  config: Pick<NotificationsConfig, "apns" | "fcm">,
  dataFolder: string,
): Promise<PushProviders> {
  const providers = new Map<PushTag, PushProvider>()
  const apns = await apnsCredentials(config.apns, dataFolder)
  if (apns !== undefined) {
    providers.set("AP", new ApnsProvider({ ...apns, origin: APNS_ORIGIN.production }))
    providers.set("AD", new ApnsProvider({ ...apns, origin: APNS_ORIGIN.sandbox }))
  }
  const { serviceAccountPath } = config.fcm
  if (serviceAccountPath !== undefined) {
    const account = parseServiceAccount(await secretFile("fcm.service_account_path", dataFolder, serviceAccountPath))
    if (account === undefined) {
      throw refused("fcm.service_account_path", serviceAccountPath, "the JSON file of a Google service account")
    }
    providers.set("FP", new FcmProvider({ account, origin: FCM_ORIGIN }))
  }
  return providers
}

async function apnsCredentials(
  { keyPath, keyId, teamId, topic, paddedLength }: NotificationsConfig["apns"],
  dataFolder: string,
): Promise<Omit<ApnsOptions, "origin"> | undefined> {
  if (keyPath === undefined && keyId === undefined) return undefined
  if (keyPath === undefined) throw new OperatorError("apns.key_path is not set: apns.key_id names its key")
  if (keyId === undefined) throw new OperatorError("apns.key_id is not set: it names the key of apns.key_path")
  const pem = await secretFile("apns.key_path", dataFolder, keyPath)
  try {
    return { key: jwsKeyFromPem("ES256", pem), keyId, teamId, topic, paddedLength }
  } catch (error) {
    if (error instanceof CryptoError) throw refused("apns.key_path", keyPath, "a P-256 key as PKCS#8 PEM", error)
    throw error
  }
}

async function secretFile(key: string, dataFolder: string, path: string): Promise<string> {
  try {
    return await readFile(resolve(dataFolder, path), "utf8")
  } catch (error) {
    throw refused(key, path, "a file that can be read", error)
  }
}

function refused(key: string, path: string, allowed: string, cause?: unknown): OperatorError {
  return new OperatorError(`${key}: ${JSON.stringify(path)} is not allowed; allowed: ${allowed}`, { cause })
}
