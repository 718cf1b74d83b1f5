import { nativeCrypto } from "@sluice/crypto/native"
import { parseServerAddress } from "@sluice/encoding/server-address"
import { NtfClient } from "@sluice/ntf-client/client"
import type { DeviceToken } from "@sluice/ntf-protocol/device-token"
import { openPush } from "@sluice/ntf-protocol/push-content"

/** Registers a device: `push` gives the verification push that the device gets. */
export async function register(
  address: string,
  token: DeviceToken,
  push: () => Promise<{ readonly nonce: Uint8Array; readonly ciphertext: Uint8Array }>,
): Promise<string> {
  await using client = new NtfClient(parseServerAddress(address, { scheme: "ntf" }))
  const keys = client.registrationKeys()
  const { tokenId, secret } = await client.registerToken(token, keys)
  const access = { tokenId, key: keys.authKeys.privateKey }

  const code = openPush({ crypto: nativeCrypto, secret }, await push())
  if (code !== undefined) await client.verifyToken(access, code)
  await client.setPeriodicPushes(access, 20)
  return (await client.checkToken(access)).type
}
