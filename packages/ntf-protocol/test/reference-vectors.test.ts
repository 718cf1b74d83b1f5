import { decodePrivateKey, decodePublicKey, encodePublicKey, privateKey, publicKey } from "@sluice/crypto/keys"
import { portableCrypto } from "@sluice/crypto/portable"
import { EMPTY, fromHex, fromUtf8, toHex } from "@sluice/encoding/bytes"
import { DecodeError } from "@sluice/encoding/errors"
import { withOldOnionHost } from "@sluice/encoding/old-onion-hosts"
import { pad, unpad } from "@sluice/encoding/padding"
import { Reader } from "@sluice/encoding/reader"
import { parseServerAddress } from "@sluice/encoding/server-address"
import { encodeWith } from "@sluice/encoding/writer"
import type { AuthPrivateKey } from "@sluice/smp-protocol/authorization"
import { CommandError, type SmpError } from "@sluice/smp-protocol/errors"
import { describe, expect, it } from "vitest"
import { vectors } from "../../../test/vectors.ts"
import { decodeNtfBlock, decodeNtfResponses, encodeNtfReply, ntfContents, ntfParams } from "../src/block.ts"
import { checkNtfCredentials, decodeNtfCommand, encodeNtfCommand, type NtfCommandTag } from "../src/commands.ts"
import {
  type DeviceToken,
  deviceTokenFromJson,
  deviceTokenToJson,
  formatDeviceToken,
  type PushTag,
  parseDeviceToken,
  readDeviceToken,
  writeDeviceToken,
} from "../src/device-token.ts"
import {
  decodeNtfClientHello,
  encodeNtfClientHello,
  judgeNtfClientHello,
  judgeNtfServerHello,
  ntfServerHello,
} from "../src/hello.ts"
import { decodeMessageList, encodeMessageList, formatMessageEntry, type MessageEntry } from "../src/message-list.ts"
import {
  formatNotifierQueue,
  parseNotifierQueue,
  readNotifierQueue,
  writeNotifierQueue,
} from "../src/notifier-queue.ts"
import { encodeNtfOutgoing } from "../src/outgoing.ts"
import { messageData, openPush, sealMessages, sealVerification, verificationData } from "../src/push-content.ts"
import { checkNtfEntity, decodeNtfResponse, encodeNtfResponse, type NtfResponseTag } from "../src/responses.ts"
import {
  allowsSubscriptions,
  allowsVerification,
  formatSubscriptionStatus,
  formatTokenStatus,
  isSubscribable,
  parseSubscriptionStatus,
  parseTokenStatus,
} from "../src/status.ts"

// biome-ignore lint/suspicious/noExplicitAny: what the file holds has as many shapes as arrays; every case is compared
type Case = any
const file = vectors<Record<string, Case[]> & { readonly serverIdentity: Case }>("notifications.json")

function cases(name: string): Case[] {
  const found = file?.[name] ?? []
  if (found.length === 0) throw new Error(`no cases of ${name}`)
  return found
}

const word = (error: SmpError): string => (error.type === "CMD" ? `CMD ${error.error}` : error.type)
const outcome = (error: SmpError | undefined): string => (error === undefined ? "ok" : word(error))

function failure(run: () => unknown): string {
  try {
    run()
  } catch (error) {
    if (error instanceof CommandError) return error.message
    if (error instanceof DecodeError) return "decode"
    throw error
  }
  return "ok"
}

const keyOf = (key: Case): AuthPrivateKey => decodePrivateKey(fromHex(key.priv)) as AuthPrivateKey
const tokenOf = ({ provider, token }: { provider: string; token: string }): DeviceToken => ({
  provider: provider as PushTag,
  token: new TextEncoder().encode(token),
})

describe.skipIf(file === undefined)("notifications.json", () => {
  it("commands", () => {
    for (const { name, inputs, encodings } of cases("commands")) {
      for (const { hex } of encodings) {
        const command = decodeNtfCommand(fromHex(hex))
        expect(toHex(encodeNtfCommand(command)), name).toBe(hex)
        if ("token" in command) expect(command.token, name).toEqual(tokenOf(inputs.token))
        if ("code" in command) expect(toHex(command.code), name).toBe(inputs.code)
        if ("minutes" in command) expect(command.minutes, name).toBe(inputs.minutes)
        if (command.tag === "TNEW") {
          expect(toHex(encodePublicKey(command.verifyKey)), name).toBe(inputs.verifyKey)
          expect(toHex(encodePublicKey(command.dhKey)), name).toBe(inputs.dhKey)
        }
        if (command.tag === "SNEW") {
          expect(toHex(command.tokenId), name).toBe(inputs.tokenId)
          expect(formatNotifierQueue(command.queue).startsWith(`${inputs.server}/`), name).toBe(true)
          expect(toHex(command.queue.notifierId), name).toBe(inputs.notifierId)
          expect(toHex(command.notifierKey.raw), name).toBe(inputs.notifierKey.privRaw)
        }
      }
    }
  })

  it("responses", () => {
    for (const { name, encodings } of cases("responses")) {
      const newest = encodings.at(-1)
      const response = decodeNtfResponse(fromHex(newest.hex))
      for (const { versions, hex } of encodings) {
        for (const v of versions) expect(toHex(encodeNtfResponse(response, v)), `${name} v${v}`).toBe(hex)
      }
    }
  })

  it("commandParse", () => {
    for (const { name, input, results } of cases("commandParse")) {
      for (const { error, encodedAs3 } of results) {
        if (error !== undefined)
          expect(
            failure(() => decodeNtfCommand(fromHex(input))),
            name,
          ).toBe(error)
        else expect(toHex(encodeNtfCommand(decodeNtfCommand(fromHex(input)))), name).toBe(encodedAs3)
      }
    }
  })

  it("responseParse", () => {
    for (const { name, input, error, encodedAs3 } of cases("responseParse")) {
      if (error !== undefined)
        expect(
          failure(() => decodeNtfResponse(fromHex(input))),
          name,
        ).toBe(error)
      else expect(toHex(encodeNtfResponse(decodeNtfResponse(fromHex(input)), 3)), name).toBe(encodedAs3)
    }
  })

  it("commandCredentials and responseCredentials", () => {
    for (const { name, ...expected } of cases("commandCredentials")) {
      const check = (auth: boolean, entity: boolean) =>
        outcome(checkNtfCredentials(name as NtfCommandTag, auth, entity))
      expect(
        {
          noAuthNoEntity: check(false, false),
          authNoEntity: check(true, false),
          noAuthEntity: check(false, true),
          authEntity: check(true, true),
        },
        name,
      ).toEqual(expected)
    }
    for (const { name, ...expected } of cases("responseCredentials")) {
      const check = (entity: boolean) => outcome(checkNtfEntity(name as NtfResponseTag, entity))
      expect({ noEntity: check(false), entity: check(true) }, name).toEqual(expected)
    }
  })

  it("deviceTokens and deviceTokenParse", () => {
    for (const { name, token, smp, string, json } of cases("deviceTokens")) {
      const expected = tokenOf(token)
      expect(readDeviceToken(new Reader(fromHex(smp))), name).toEqual(expected)
      expect(toHex(encodeWith((w) => writeDeviceToken(w, expected))), name).toBe(smp)
      expect(formatDeviceToken(expected), name).toBe(string)
      expect(deviceTokenToJson(expected), name).toEqual(JSON.parse(json))
      if (token.provider !== "AT") continue
      expect(deviceTokenFromJson(JSON.parse(json)), name).toEqual(expected)
    }
    for (const { name, input, token, error } of cases("deviceTokenParse")) {
      if (error !== undefined)
        expect(
          failure(() => parseDeviceToken(input)),
          name,
        ).toBe("decode")
      else expect(parseDeviceToken(input), name).toEqual(tokenOf(token))
    }
  })

  it("tokenStatuses and subscriptionStatuses", () => {
    for (const { name, verificationAllowed, subCommandsAllowed } of cases("tokenStatuses")) {
      const status = parseTokenStatus(name)
      expect(formatTokenStatus(status)).toBe(name)
      expect([allowsVerification(status), allowsSubscriptions(status)], name).toEqual([
        verificationAllowed,
        subCommandsAllowed,
      ])
    }
    for (const { name, shouldSubscribe } of cases("subscriptionStatuses")) {
      const status = parseSubscriptionStatus(name)
      expect(formatSubscriptionStatus(status)).toBe(name)
      // The file is of 6.5, which subscribed again with SERVICE; 7.0 does not (notifications.md §5.2).
      expect(isSubscribable(status), name).toBe(name === "SERVICE" ? false : shouldSubscribe)
    }
  })

  it("notifierQueues", () => {
    for (const { name, smp, string, parsedSmpString } of cases("notifierQueues")) {
      const read = readNotifierQueue(new Reader(fromHex(smp)))
      expect(formatNotifierQueue(read), name).toBe(parsedSmpString.string)
      expect(formatNotifierQueue(parseNotifierQueue(string)), name).toBe(parsedSmpString.string)
      if (string === parsedSmpString.string) expect(toHex(encodeWith((w) => writeNotifierQueue(w, read)))).toBe(smp)
    }
  })

  it("pushPayloads", () => {
    for (const { name, secret, nonce, paddedLength, input, plaintext, plaintextLength, payload } of cases(
      "pushPayloads",
    )) {
      const { notificationData } = JSON.parse(payload)
      if (input === null) {
        expect(notificationData, name).toEqual({ checkMessages: true })
        continue
      }
      const key = { crypto: portableCrypto, secret: fromHex(secret) }
      if ("code" in input) {
        const sealed = sealVerification(key, fromHex(nonce), fromHex(input.code), paddedLength)
        expect(verificationData(sealed), name).toEqual(notificationData)
        expect(toHex(openPush(key, sealed) ?? EMPTY), name).toBe(plaintext)
        continue
      }
      const entries = (input as Case[]).map((entry): MessageEntry => {
        const { hosts, port, keyHash } = parseServerAddress(entry.server)
        const made = {
          queue: { server: { hosts, port, keyHash }, notifierId: fromHex(entry.notifierId) },
          time: Number(entry.ntfTs),
          nonce: fromHex(entry.nonce),
          meta: fromHex(entry.encMeta),
        }
        expect(formatMessageEntry(made), name).toBe(entry.string)
        return made
      })
      expect(encodeMessageList(entries, paddedLength - 2), name).toHaveLength(plaintextLength)
      expect(fromUtf8(encodeMessageList(entries, paddedLength - 2)), name).toBe(plaintext)
      const sealed = sealMessages(key, fromHex(nonce), entries, paddedLength)
      expect(messageData(sealed), name).toEqual(notificationData)
      const completed = entries.map(({ queue: { server, notifierId }, ...rest }) => {
        // Reading completes the host list, writing does not.
        return { ...rest, queue: { notifierId, server: { ...server, hosts: withOldOnionHost(server.hosts) } } }
      })
      expect(decodeMessageList(openPush(key, sealed) ?? EMPTY), name).toEqual(completed)
    }
  })

  it("pushMessageParse", () => {
    for (const { name, input, count, error } of cases("pushMessageParse")) {
      const bytes = new TextEncoder().encode(input)
      if (error !== undefined)
        expect(
          failure(() => decodeMessageList(bytes)),
          name,
        ).toBe("decode")
      else expect(decodeMessageList(bytes), name).toHaveLength(count)
    }
  })

  it("transmissions", () => {
    for (const item of cases("transmissions")) {
      const { name, version, sessionId, corrId, entityId, content } = item
      const params = ntfParams(version, fromHex(sessionId))
      const ids = { corrId: fromHex(corrId), entityId: fromHex(entityId) }
      const made = item.response
        ? encodeNtfReply(params, ids.corrId, ids.entityId, decodeNtfResponse(fromHex(item.response)))
        : encodeNtfOutgoing(
            { crypto: portableCrypto, serverKey: publicKey("x25519", fromHex(item.serverSessionKey.pubRaw)) },
            params,
            { ...ids, command: decodeNtfCommand(fromHex(item.command)), key: item.key ? keyOf(item.key) : undefined },
          )
      const [block = EMPTY, ...others] = ntfContents([made], params)
      expect(others).toHaveLength(0)
      expect(toHex(block), name).toBe(content)
      if (item.response) {
        const [read] = decodeNtfResponses(fromHex(content), params)
        expect(read, name).toMatchObject({ ok: true, ...ids })
        continue
      }
      expect(toHex(pad(block, 512)), name).toBe(item.block)
      const [read, ...rest] = decodeNtfBlock(unpad(fromHex(item.block)), params)
      expect(rest).toHaveLength(0)
      if (read?.ok !== true) throw new Error(name)
      expect(toHex(read.signed), name).toBe(item.authorized)
      expect(toHex(read.authorization), name).toBe(item.authorization)
      expect(toHex(encodeNtfCommand(read.command)), name).toBe(item.command)
    }
  })

  it("handshakes", () => {
    const { leafKey, keyHash } = file?.serverIdentity ?? {}
    const own = fromHex(keyHash)
    for (const item of cases("handshakes")) {
      const { name, sessionId, alpn, serverRange, clientRange, clientKeyHash, serverSessionKey } = item
      const announced = alpn === null || alpn === undefined ? { min: 1, max: 1 } : range(serverRange)
      const pair = {
        publicKey: publicKey("x25519", fromHex(serverSessionKey.pubRaw)),
        privateKey: privateKey("x25519", fromHex(serverSessionKey.privRaw)),
      }
      const leaf = decodePrivateKey(fromHex(leafKey.priv)) as Parameters<typeof ntfServerHello>[1]
      const hello = ntfServerHello(portableCrypto, leaf, { range: announced, sessionId: fromHex(sessionId) }, pair)
      expect(toHex(hello), name).toBe(item.serverBlocks[0].content)

      const judged = judgeNtfServerHello(portableCrypto, hello, {
        sessionId: fromHex(sessionId),
        range: range(clientRange),
        leafKey: decodePublicKey(fromHex(leafKey.pub)),
      })
      if (!judged.ok) {
        expect(judged.error, name).toBe(item.client.error)
        continue
      }
      expect(judged.value.version, name).toBe(item.client.version)
      const keyed = judged.value.serverKey !== undefined
      expect(keyed, name).toBe(announced.max >= 2)
      const answer = encodeNtfClientHello({ version: judged.value.version, keyHash: fromHex(clientKeyHash) })
      expect(toHex(answer), name).toBe(item.clientBlocks[0].content)
      expect(decodeNtfClientHello(answer).version).toBe(judged.value.version)
      const server = judgeNtfClientHello(answer, own, announced)
      expect(server.ok ? server.value : server.error, name).toBe(item.server.version ?? item.server.error)
    }
  })
})

function range([min = 0, max = 0]: readonly number[]): { min: number; max: number } {
  return { min, max }
}
