import { fromLatin1, latin1 } from "@sluice/encoding/bytes"
import { DecodeError, EncodeError } from "@sluice/encoding/errors"
import { Reader } from "@sluice/encoding/reader"
import { encodeWith } from "@sluice/encoding/writer"

/** A Web Push subscription as a device token of this project's extension. */
export interface WebPushSubscription {
  /** Push resource of RFC 8030: an `https` URL, at most 214 characters including the scheme. */
  readonly endpoint: string
  /** P-256 key of RFC 8291 as a compressed point, 33 bytes. */
  readonly publicKey: Uint8Array
  /** Authentication secret of RFC 8291, 16 bytes. */
  readonly auth: Uint8Array
}

const AUTH_LENGTH = 16
const POINT_LENGTH = 33
const SCHEME = "https://"
/** What a short string holds besides secret and key. */
const MOST_ENDPOINT = 255 - AUTH_LENGTH - POINT_LENGTH

/** Printable ASCII of a URL behind its scheme: host, optional port, path, optional query. No user name, no fragment. */
const ENDPOINT_REST = /^[A-Za-z0-9.-]+(:[0-9]{1,5})?\/[!$%&'()*+,\-./0-9:;=?@A-Z_a-z~]*$/

/**
 * Token bytes of a subscription: secret (16) ‖ compressed point (33) ‖ endpoint without `https://` (1 to 206 ASCII
 * characters). Throws `EncodeError` for an endpoint that does not fit: push is then unavailable to this device.
 */
export function encodeWebPushToken(subscription: WebPushSubscription): Uint8Array {
  const { endpoint, publicKey, auth } = subscription
  if (auth.length !== AUTH_LENGTH) throw new EncodeError("web push: the secret has 16 bytes")
  if (!isCompressedPoint(publicKey)) throw new EncodeError("web push: the key is a compressed point of 33 bytes")
  const rest = endpoint.startsWith(SCHEME) ? endpoint.slice(SCHEME.length) : ""
  if (!isEndpointRest(rest)) throw new EncodeError("web push: the endpoint is not a URL of at most 214 characters")
  return encodeWith((w) => w.raw(auth).raw(publicKey).raw(latin1(rest)))
}

/** Reads token bytes, as views on them. Throws `DecodeError`. */
export function decodeWebPushToken(token: Uint8Array): WebPushSubscription {
  const r = new Reader(token)
  const auth = r.take(AUTH_LENGTH, "web push secret")
  const publicKey = r.take(POINT_LENGTH, "web push key")
  const rest = fromLatin1(r.tail())
  if (!isCompressedPoint(publicKey)) throw new DecodeError("web push: not a compressed point")
  if (!isEndpointRest(rest)) throw new DecodeError("web push: not an endpoint")
  return { endpoint: SCHEME + rest, publicKey, auth }
}

/** Whether the point is one of the curve is for those to find out who use it. */
function isCompressedPoint(key: Uint8Array): boolean {
  return key.length === POINT_LENGTH && (key[0] === 2 || key[0] === 3)
}

function isEndpointRest(rest: string): boolean {
  return rest.length <= MOST_ENDPOINT && ENDPOINT_REST.test(rest)
}
