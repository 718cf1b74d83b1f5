import { createDecipheriv, createECDH, createPublicKey, type ECDH, hkdfSync, randomBytes, verify } from "node:crypto"
import { type Answer, type ReceivedRequest, StandIn, type StandInOptions } from "./stand-in.ts"

/** What a device gives to whoever may push to it. */
export interface WebPushSubscription {
  readonly endpoint: string
  /** Compressed point of P-256, 33 bytes. */
  readonly publicKey: Uint8Array
  /** 16 bytes. */
  readonly auth: Uint8Array
}

/** A push to a device, decrypted by it. */
export interface WebPush extends ReceivedRequest {
  readonly subscription: WebPushSubscription
  /** Text of the push as the application gets it. */
  readonly text: string
  /** Claims of the VAPID token (RFC 8292). */
  readonly claims: Record<string, unknown>
  readonly ttl: number
  readonly urgency: string | undefined
  readonly topic: string | undefined
}

/** Largest body that push services must take (RFC 8030 §7.2). */
const LARGEST = 4096

interface Device {
  readonly subscription: WebPushSubscription
  readonly ecdh: ECDH
}

/** Stands for a push service and the devices that use it: checks VAPID, TTL and size, and decrypts what arrives. */
export class WebPushStandIn extends StandIn<WebPush> {
  readonly #devices: Map<string, Device>

  constructor(options: StandInOptions = {}) {
    const devices = new Map<string, Device>()
    super(
      (request) => read(request, devices, this.origin),
      () => ({ status: 201, headers: { location: "/m/1" } }),
      options,
    )
    this.#devices = devices
  }

  /** A new device. */
  subscribe(): WebPushSubscription {
    const ecdh = createECDH("prime256v1")
    ecdh.generateKeys()
    const path = `/push/${randomBytes(12).toString("base64url")}`
    const publicKey = new Uint8Array(ecdh.getPublicKey(undefined, "compressed") as unknown as Buffer)
    const subscription = { endpoint: `${this.origin}${path}`, publicKey, auth: new Uint8Array(randomBytes(16)) }
    this.#devices.set(path, { subscription, ecdh })
    return subscription
  }

  /** Removes a device, as its owner would: the service answers 410 from then on. */
  unsubscribe(subscription: WebPushSubscription): void {
    this.#devices.delete(new URL(subscription.endpoint).pathname)
  }
}

function read(request: ReceivedRequest, devices: ReadonlyMap<string, Device>, audience: string): WebPush | Answer {
  const { headers, body } = request
  const device = devices.get(request.path)
  if (request.method !== "POST") return { status: 405 }
  if (device === undefined) return { status: 410 }
  const claims = checkVapid(headers["authorization"] ?? "")
  if (claims?.["aud"] !== audience || Number(claims["exp"]) * 1000 < Date.now()) return { status: 403 }
  if (!/^\d+$/.test(headers["ttl"] ?? "") || headers["content-encoding"] !== "aes128gcm") return { status: 400 }
  if (body.length > LARGEST) return { status: 413 }
  const text = decrypt(body, device)
  if (text === undefined) return { status: 400 }
  const { urgency, topic } = headers
  return { ...request, subscription: device.subscription, text, claims, ttl: Number(headers["ttl"]), urgency, topic }
}

/** The claims of `vapid t=<token>, k=<key>` whose signature holds. */
function checkVapid(authorization: string): Record<string, unknown> | undefined {
  const [, header = "", claims = "", signature = "", key = ""] =
    /^vapid t=([\w-]+)\.([\w-]+)\.([\w-]+), ?k=([\w-]+)$/.exec(authorization) ?? []
  const point = Buffer.from(key, "base64url")
  if (point.length !== 65) return undefined
  const part = (from: number): string => point.subarray(from, from + 32).toString("base64url")
  const publicKey = createPublicKey({ key: { kty: "EC", crv: "P-256", x: part(1), y: part(33) }, format: "jwk" })
  const options = { key: publicKey, dsaEncoding: "ieee-p1363" } as const
  const valid = verify("sha256", Buffer.from(`${header}.${claims}`), options, Buffer.from(signature, "base64url"))
  return valid ? JSON.parse(Buffer.from(claims, "base64url").toString()) : undefined
}

/** RFC 8188 with one record and the keys of RFC 8291, written apart from the code that is tested with it. */
function decrypt(body: Uint8Array, { subscription, ecdh }: Device): string | undefined {
  const salt = body.subarray(0, 16)
  const sender = body.subarray(21, 21 + (body[20] ?? 0))
  const sealed = body.subarray(21 + sender.length)
  const info = Buffer.concat([Buffer.from("WebPush: info\0"), ecdh.getPublicKey(), sender])
  const ikm = hkdfSync("sha256", ecdh.computeSecret(sender), subscription.auth, info, 32)
  const key = hkdfSync("sha256", new Uint8Array(ikm), salt, Buffer.from("Content-Encoding: aes128gcm\0"), 16)
  const nonce = hkdfSync("sha256", new Uint8Array(ikm), salt, Buffer.from("Content-Encoding: nonce\0"), 12)
  const decipher = createDecipheriv("aes-128-gcm", new Uint8Array(key), new Uint8Array(nonce))
  decipher.setAuthTag(sealed.subarray(-16))
  const plain = decipher.update(sealed.subarray(0, -16))
  try {
    decipher.final()
  } catch {
    return undefined // encrypted for another device
  }
  const end = plain.lastIndexOf(2)
  return end < 0 ? undefined : plain.subarray(0, end).toString()
}
