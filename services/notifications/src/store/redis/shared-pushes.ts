import { listOf } from "@sluice/redis/redis-command"
import { type Script, script } from "@sluice/redis/script"
import type { EntityId } from "@sluice/smp-protocol/types"
import type { PushReference } from "../ntf-store.ts"
import { ask, bytesIn, change, numberIn, type RedisContext } from "./context.ts"
import { BUCKETS, KIND } from "./keys.ts"
import { delist, memberOf, pushOf, putOff } from "./push-list.ts"
import { CLAIM_AT_MOST } from "./pushes.ts"
import { NOW } from "./scripts/lua.ts"
import { POSTPONE } from "./scripts/push-scripts.ts"

/** A push that nobody is sending. */
export interface LeftPush extends PushReference {
  /** It failed once; the next result is final. */
  readonly second: boolean
}

/** What nodes that share a store do about each other's pushes. */
export interface SharedPushes {
  /** Gives up this node's claim; the push is to be tried once more after this time, by whichever node. */
  postpone(push: PushReference, ms: number): Promise<void>
  /** Takes a periodic push for this node; false while another node is sending it. */
  claimCheck(tokenId: EntityId): Promise<boolean>
  /** Pushes that were stored and that nobody is sending: their node died, or the time of a second attempt came. */
  left(limit: number): Promise<readonly LeftPush[]>
}

/**
 * Keys: token. Arguments: kind, milliseconds that a claim holds in any case, and while its node lives, nodes that live.
 * Answers `none` without a push, `held` with how long it is to be left alone, or `left` with the mark of a second attempt.
 */
const LOOK: Script = script({
  name: "ntf: look at push",
  keys: 1,
  lua: `${NOW}
local kind = ARGV[1]
local p = redis.call('HMGET', KEYS[1], kind, kind .. 'c', kind .. 't', kind .. 'n')
if not p[1] then return {'none', 0} end
local holder, since = p[2], tonumber(p[3] or 0)
local lives = false
for i = 4, #ARGV do lives = lives or ARGV[i] == holder end
local free = since
if holder and holder ~= '' then free = since + tonumber(ARGV[lives and 3 or 2]) end
if free > now then return {'held', free - now} end
return {'left', p[4] and 1 or 0}
`,
})

/** Keys: list of pushes. Arguments: time, how many. Gives members with their scores in turn. */
const DUE: Script = script({
  name: "ntf: due pushes",
  keys: 1,
  lua: `
return {'ok', redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1], 'WITHSCORES', 'LIMIT', 0, ARGV[2])}
`,
})

/** Keys: token. Arguments: node, milliseconds. Claims a periodic push (Cc, Ct), unless another node did in this time. */
const CLAIM_CHECK: Script = script({
  name: "ntf: claim periodic push",
  keys: 1,
  lua: `${NOW}
local claim = redis.call('HMGET', KEYS[1], 'r', 'Cc', 'Ct')
if not claim[1] then return {'none'} end
if claim[2] and claim[2] ~= ARGV[1] and tonumber(claim[3]) + tonumber(ARGV[2]) > now then return {'held'} end
redis.call('HSET', KEYS[1], 'Cc', ARGV[1], 'Ct', string.format('%.0f', now))
return {'ok'}
`,
})

/** How long a periodic push is one node's, ms; a failed one is looked for again later than that. */
const CHECK_CLAIM = 60_000

export const SHARED_SCRIPTS: readonly Script[] = [LOOK, DUE, CLAIM_CHECK]

export async function claimCheck(c: RedisContext, tokenId: EntityId): Promise<boolean> {
  const { word } = await ask(c, CLAIM_CHECK, [c.keys.token(tokenId).token], [c.node, CHECK_CLAIM])
  return word === "ok"
}

export async function postpone(c: RedisContext, push: PushReference, ms: number): Promise<void> {
  const answer = await change(c, POSTPONE, [c.keys.token(push.tokenId).token], [KIND[push.kind], c.node, Math.ceil(ms)])
  if (answer.word === "ok") await putOff(c, push, ms)
}

export async function left(c: RedisContext, limit: number): Promise<readonly LeftPush[]> {
  const now = Math.round(c.clock.now())
  const found: LeftPush[] = []
  for (let bucket = 0; bucket < BUCKETS && found.length < limit; bucket++) {
    const { values } = await ask(c, DUE, [c.keys.pushes(bucket)], [now, limit - found.length])
    const entries = listOf(values[0]).map(bytesIn)
    const looked = entries.flatMap((member, at) => {
      const score = Number(Buffer.from(entries[at + 1] ?? member).toString("latin1"))
      return at % 2 === 0 ? look(c, pushOf(member), score) : []
    })
    found.push(...(await Promise.all(looked)).flatMap((push) => push ?? []))
  }
  return found
}

async function look(c: RedisContext, push: PushReference, score: number): Promise<LeftPush | undefined> {
  const args = [KIND[push.kind], c.lease, CLAIM_AT_MOST, ...(c.fleet?.nodes() ?? [])]
  const { word, values } = await ask(c, LOOK, [c.keys.token(push.tokenId).token], args)
  if (word === "left") return { ...push, second: numberIn(values[0]) === 1 }
  if (word === "none") await delist(c, push, score)
  else {
    // Looked at again when its claim may have ended; the score stays one that a newer push changes.
    const member = memberOf(push)
    const wait = Math.min(numberIn(values[0]), c.lease) + 0.5
    await c.connection.command(["ZADD", c.keys.pushes((push.tokenId[0] ?? 0) >> 4), "XX", "GT", now(c) + wait, member])
  }
  return undefined
}

function now({ clock }: RedisContext): number {
  return Math.round(clock.now())
}
