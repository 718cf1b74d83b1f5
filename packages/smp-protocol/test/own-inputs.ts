import { createHash } from "node:crypto"
import {
  type Algorithm,
  encodePrivateKey,
  encodePublicKey,
  type PrivateKey,
  privateKey,
  SIZES,
} from "@sluice/crypto/keys"
import { portableCrypto } from "@sluice/crypto/portable"
import { toHex } from "@sluice/encoding/bytes"

/** `length` bytes that follow from a word, so that inputs look random and are always the same. */
export function fixed(word: string, length: number): Uint8Array {
  const out = new Uint8Array(length)
  for (let at = 0, n = 0; at < length; at += 32, n++) {
    const piece = createHash("sha256").update(`${word} ${n}`).digest()
    out.set(piece.subarray(0, Math.min(32, length - at)), at)
  }
  return out
}

export const hex = (word: string, length: number): string => toHex(fixed(word, length))

/** A private key that follows from a word. */
export function fixedKey<A extends Algorithm>(algorithm: A, word: string): PrivateKey<A> {
  return privateKey(algorithm, fixed(`${algorithm} ${word}`, SIZES[algorithm].key))
}

/** DER of the public half, in hex. */
export function publicHex(algorithm: Algorithm, word: string): string {
  return toHex(encodePublicKey(portableCrypto.publicKeyOf(fixedKey(algorithm, word))))
}

/** Both halves as vectors have them. */
export function keyVector(algorithm: Algorithm, word: string): { pub: string; priv: string } {
  return { pub: publicHex(algorithm, word), priv: toHex(encodePrivateKey(fixedKey(algorithm, word))) }
}

const id = (word: string): string => hex(`id ${word}`, 24)
const link = { fixed: hex("fixed data", 40), user: hex("user data", 60) }
const newQueue = {
  rcvAuthKey: publicHex("ed25519", "recipient"),
  rcvDhKey: publicHex("x25519", "recipient dh"),
  basicAuth: null,
  subMode: "S",
  queueReqData: null,
  ntfCreds: null,
}
const ntfCreds = { authKey: publicHex("ed25519", "notifier"), dhKey: publicHex("x25519", "notifier dh") }
const server = "smp://ERERERERERERERERERERERERERERERERERERERERERE=@smp1.example.org,smp2.example.org:5223"

/** Inputs of `commands`, in the form of the reference's vectors. */
export const COMMAND_INPUTS: readonly { name: string; inputs: object }[] = [
  { name: "NEW plain", inputs: newQueue },
  { name: "NEW password, create only", inputs: { ...newQueue, basicAuth: "p4ss", subMode: "C" } },
  { name: "NEW Ed448", inputs: { ...newQueue, rcvAuthKey: publicHex("ed448", "recipient") } },
  { name: "NEW messaging", inputs: { ...newQueue, queueReqData: { mode: "M", data: null } } },
  {
    name: "NEW messaging with link",
    inputs: { ...newQueue, queueReqData: { mode: "M", data: { senderId: id("s"), ...link } } },
  },
  {
    name: "NEW everything",
    inputs: {
      ...newQueue,
      basicAuth: "p4ss",
      queueReqData: { mode: "C", data: { linkId: id("l"), senderId: id("s"), ...link } },
      ntfCreds,
    },
  },
  ...["SUB", "LDEL", "NDEL", "GET", "OFF", "DEL", "QUE", "PING", "LGET", "NSUB"].map((name) => ({ name, inputs: {} })),
  { name: "SUBS", inputs: { count: "3", hash: hex("hash", 16) } },
  { name: "NSUBS unknown", inputs: { count: "-1", hash: "00".repeat(16) } },
  { name: "KEY Ed25519", inputs: { key: publicHex("ed25519", "sender") } },
  { name: "SKEY Ed448", inputs: { key: publicHex("ed448", "sender") } },
  { name: "LKEY X25519", inputs: { key: publicHex("x25519", "sender") } },
  { name: "RKEY two", inputs: { keys: [publicHex("ed25519", "a"), publicHex("x25519", "b")] } },
  { name: "LSET", inputs: { linkId: id("l"), data: link } },
  { name: "NKEY", inputs: { key: ntfCreds.authKey, dhKey: ntfCreds.dhKey } },
  { name: "ACK", inputs: { msgId: id("m") } },
  { name: "ACK empty", inputs: { msgId: "" } },
  { name: "SEND notify", inputs: { notification: true, body: hex("body", 50) } },
  { name: "SEND silent, empty", inputs: { notification: false, body: "" } },
  { name: "PRXY", inputs: { server, basicAuth: null } },
  { name: "PRXY with password", inputs: { server, basicAuth: "p4ss" } },
  { name: "PFWD", inputs: { version: 20, key: publicHex("x25519", "client"), transmission: hex("box", 70) } },
  { name: "RFWD", inputs: { transmission: hex("box", 70) } },
  { name: "RSLV", inputs: { name: "alice.simplex" } },
]

const ids = {
  rcvId: id("r"),
  sndId: id("s"),
  rcvPublicDhKey: publicHex("x25519", "server dh"),
  queueMode: null,
  linkId: null,
  serviceId: null,
  serverNtfCreds: null,
}
const record = {
  name: "alice.simplex",
  nickname: "Alice é",
  website: "",
  location: "",
  simplexContact: ["https://example.org/c#1"],
  simplexChannel: [],
  eth: "0x01",
  btc: null,
  xmr: null,
  dot: null,
  owner: "0x02",
  resolver: "0x03",
}
const info = { qiSnd: true, qiNtf: false, qiSub: { qSubThread: "noSub", qDelivered: "bXNnSWQ=" }, qiSize: 2 }

/** Inputs of `brokerMessages`. */
export const MESSAGE_INPUTS: readonly { name: string; inputs: object }[] = [
  { name: "IDS no mode", inputs: ids },
  { name: "IDS contact, link", inputs: { ...ids, queueMode: "C", linkId: id("l") } },
  {
    name: "IDS everything",
    inputs: {
      ...ids,
      queueMode: "M",
      linkId: id("l"),
      serviceId: id("service"),
      serverNtfCreds: { notifierId: id("n"), dhKey: publicHex("x25519", "server notifier dh") },
    },
  },
  { name: "LNK", inputs: { senderId: id("s"), data: link } },
  { name: "SOK no service", inputs: { serviceId: null } },
  { name: "SOK service", inputs: { serviceId: id("service") } },
  { name: "SOKS", inputs: { count: "3", hash: hex("hash", 16) } },
  { name: "ENDS", inputs: { count: "2", hash: hex("hash", 16) } },
  { name: "MSG", inputs: { msgId: id("m"), body: hex("body", 60) } },
  { name: "NID", inputs: { notifierId: id("n"), dhKey: publicHex("x25519", "server notifier dh") } },
  { name: "NMSG", inputs: { nonce: hex("nonce", 24), encMeta: hex("meta", 144) } },
  {
    name: "PKEY",
    inputs: {
      sessionId: hex("session", 32),
      versionRange: [8, 20],
      certChainPubKey: `020003010203000204050003${"0a".repeat(3)}`,
    },
  },
  { name: "RRES", inputs: { transmission: hex("box", 70) } },
  { name: "PRES", inputs: { transmission: hex("box", 70) } },
  { name: "INFO", inputs: { info: JSON.stringify(info) } },
  { name: "RNAME", inputs: { record: JSON.stringify(record) } },
  ...["END", "DELD", "ALLS", "OK", "PONG"].map((name) => ({ name, inputs: {} })),
  { name: "ERR AUTH", inputs: {} },
  { name: "ERR CMD PROHIBITED", inputs: {} },
  { name: "ERR BLOCKED, notice", inputs: { reason: "content", notice: { ttl: 86400 } } },
  { name: "ERR NAME RESOLVER", inputs: { text: "HTTP 500" } },
]

/** Inputs of `commandParse`, ASCII or hex. */
export const COMMAND_TEXTS: readonly string[] = [
  "",
  " ",
  "sub",
  "SUB ",
  "SUB x",
  "SUBX",
  "OK",
  "SEND",
  "SEND T",
  "SEND T ",
  "SEND Tabc body",
  "SEND X body",
  "ACK",
  "ACK \u0005abcde",
  "ACK \u0005abcd",
  "SUBS",
  "NSUBS",
  "RKEY \0",
  "RFWD ",
  "RSLV Alice.SIMPLEX rest",
  "RSLV alice",
  "RSLV a--b.simplex",
]

/** Inputs of `brokerMessageParse`. */
export const MESSAGE_TEXTS: readonly string[] = [
  "OK x",
  "SUB",
  "ALLS",
  "SOK",
  "SOK 0",
  "MSG",
  "NMSG nnnnnnnnnn",
  "ERR",
  "ERR FOO",
  "ERR NAME NOT_FOUND",
  "INFO {",
  'INFO {"qiSnd":true,"qiNtf":false,"qiSize":1,"x":2}',
  "RNAME {}",
  "SOKS \0\0\0\0\0\0\0\u0001",
]

/** Inputs of `errors`: string forms that lose nothing. */
export const ERROR_TEXTS: readonly string[] = [
  "BLOCK",
  "SESSION",
  "AUTH",
  "SERVICE",
  "CRYPTO",
  "QUOTA",
  "NO_MSG",
  "LARGE_MSG",
  "EXPIRED",
  "INTERNAL",
  "DUPLICATE_",
  "CMD SYNTAX",
  "CMD NO_ENTITY",
  "STORE some text",
  "BLOCKED reason=spam",
  'BLOCKED reason=content,notice={"ttl":3600}',
  "NAME NO_RESOLVER",
  "NAME RESOLVER timeout",
  "PROXY NO_SESSION",
  "PROXY PROTOCOL AUTH",
  "PROXY BROKER TIMEOUT",
  "PROXY BROKER NETWORK",
  "PROXY BROKER RESPONSE bad",
  "PROXY BROKER TRANSPORT HANDSHAKE IDENTITY",
]

/** Inputs of `errorParse`. */
export const BAD_ERROR_TEXTS: readonly string[] = [
  "",
  "auth",
  "AUTH ",
  "CMD",
  "CMD FOO",
  "STORE",
  "BLOCKED reason=foo",
  "NAME",
]
