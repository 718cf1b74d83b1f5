import { formatServerAddress } from "@sluice/encoding/server-address"
import { NTF_PORT } from "@sluice/ntf-protocol/versions"
import type { NotificationsConfig } from "./config.ts"

/** The address that devices get: `ntf://fingerprint@host[,host…][:port]`, the port left out when it is 443. */
export function serverAddress({ notifications }: NotificationsConfig, keyHash: Uint8Array): string {
  const { host, port } = notifications
  return formatServerAddress({ scheme: "ntf", keyHash, hosts: host, port: port === NTF_PORT ? "" : String(port) })
}
