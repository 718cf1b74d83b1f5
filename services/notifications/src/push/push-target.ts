import { fromLatin1 } from "@sluice/encoding/bytes"
import { type DeviceToken, pushSpec } from "@sluice/ntf-protocol/device-token"
import { decodeWebPushToken } from "@sluice/ntf-protocol/web-push-token"
import type { PushTarget } from "@sluice/push/provider"

/** Where pushes for a device token go. Throws `DecodeError` for a token that is none, which no command lets in. */
export function pushTarget({ provider, token }: DeviceToken): PushTarget {
  const { family } = pushSpec(provider)
  switch (family) {
    case "apns":
    case "fcm":
      return { kind: family, token: fromLatin1(token) }
    case "web-push":
      return { kind: family, ...decodeWebPushToken(token) }
  }
}

/** Whether devices say where the pushes of a lane go. */
export function isChosenByDevices(lane: string): boolean {
  return lane.includes(" ")
}

/**
 * The push service of a device. Services of Web Push are chosen by the devices: one that does not answer must not delay what
 * goes to another.
 */
export function laneOf(device: DeviceToken): string {
  const target = pushTarget(device)
  return target.kind === "web-push" ? `${device.provider} ${URL.parse(target.endpoint)?.host ?? ""}` : device.provider
}
