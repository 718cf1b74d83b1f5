import { CryptoError } from "@sluice/crypto/errors"
import { type JwsKey, jwsKeyFromPem } from "@sluice/crypto/native/jws"
import { z } from "zod"

/** A Google service account, as far as it is needed to send messages. */
export interface ServiceAccount {
  readonly projectId: string
  readonly clientEmail: string
  readonly keyId: string
  /** Of RSA. */
  readonly key: JwsKey
  /** Where access tokens come from; `https`. */
  readonly tokenUri: string
}

const PROJECT = /^[a-z0-9.:-]{1,100}$/

const file = z.object({
  type: z.literal("service_account"),
  project_id: z.string().regex(PROJECT),
  private_key_id: z.string().min(1),
  private_key: z.string(),
  client_email: z.string().min(1),
  token_uri: z.url({ protocol: /^https$/ }).default("https://oauth2.googleapis.com/token"),
})

/** Reads the JSON file that Google gives for a service account; `undefined` if it is none. */
export function parseServiceAccount(text: string): ServiceAccount | undefined {
  try {
    const parsed = file.safeParse(JSON.parse(text))
    if (!parsed.success) return undefined
    const { project_id: projectId, private_key_id: keyId, private_key: pem, client_email: clientEmail } = parsed.data
    return { projectId, keyId, clientEmail, key: jwsKeyFromPem("RS256", pem), tokenUri: parsed.data.token_uri }
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof CryptoError) return undefined
    throw error
  }
}
