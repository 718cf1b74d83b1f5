import { type Script, script } from "@sluice/redis/script"
import { PUSHES } from "./lua.ts"

/*
 * Fields of a registration: r record, a whether it is ACTIVE, q the last number given out, V and M the numbers of the
 * verification and message to be pushed; behind these letters c who sends it, t since (or from) when, n whether it failed
 * once. The first value of every answer is a word: `ok`, or why not.
 */

/** Keys: token. Arguments: record, "1" if it is active. */
export const CREATE_TOKEN: Script = script({
  name: "ntf: create token",
  keys: 1,
  lua: `${PUSHES}
if redis.call('HEXISTS', KEYS[1], 'r') == 1 then return {'taken'} end
redis.call('HSET', KEYS[1], 'r', ARGV[1], 'a', ARGV[2])
put('V')
return {'ok'}
`,
})

/**
 * Keys: token. Arguments: record before, record, "1" if it is active, kind to be pushed or "", kind to be pushed no more
 * or "". Gives the record that there is when it is another one than before.
 */
export const UPDATE_TOKEN: Script = script({
  name: "ntf: update token",
  keys: 1,
  lua: `${PUSHES}
local r = redis.call('HGET', KEYS[1], 'r')
if not r then return {'absent'} end
if r ~= ARGV[1] then return {'changed', r} end
redis.call('HSET', KEYS[1], 'r', ARGV[2], 'a', ARGV[3])
if ARGV[4] ~= '' then put(ARGV[4]) end
if ARGV[5] ~= '' then drop(ARGV[5]) end
return {'ok'}
`,
})

/**
 * Keys: token, subscriptions, last, relays. Arguments: record before, or "" for any; with it a registration that has
 * subscriptions stays, too. Gives the record, ids and queues of subscriptions, number of last
 * notifications.
 */
export const DELETE_TOKEN: Script = script({
  name: "ntf: delete token",
  keys: 4,
  lua: `
local r = redis.call('HGET', KEYS[1], 'r')
if not r then return {'absent'} end
if ARGV[1] ~= '' and (r ~= ARGV[1] or redis.call('EXISTS', KEYS[2]) == 1) then return {'changed'} end
local subscriptions = redis.call('HGETALL', KEYS[2])
local last = redis.call('HLEN', KEYS[3])
redis.call('DEL', KEYS[1], KEYS[2], KEYS[3], KEYS[4])
return {'ok', r, subscriptions, last}
`,
})

/** Keys: list of unverified registrations. Arguments: day, token id. */
export const MOVE_UNVERIFIED: Script = script({
  name: "ntf: move unverified",
  keys: 1,
  withoutMemory: true,
  lua: "return redis.call('ZADD', KEYS[1], ARGV[1], ARGV[2])",
})

/** Keys: token, subscriptions, relays. Arguments: subscription id, relay id, notifier id, most subscriptions, most relays. */
export const ADD_SUBSCRIPTION: Script = script({
  name: "ntf: add subscription",
  keys: 3,
  lua: `
if redis.call('HEXISTS', KEYS[1], 'r') == 0 then return {'absent'} end
local queue = ARGV[2] .. ARGV[3]
local known = redis.call('HGET', KEYS[2], ARGV[1])
if known then return {known == queue and 'ok' or 'taken', 0} end
if redis.call('HLEN', KEYS[2]) >= tonumber(ARGV[4]) then return {'limit'} end
if redis.call('HEXISTS', KEYS[3], ARGV[2]) == 0 and redis.call('HLEN', KEYS[3]) >= tonumber(ARGV[5]) then
  return {'limit'}
end
redis.call('HSET', KEYS[2], ARGV[1], queue)
redis.call('HINCRBY', KEYS[3], ARGV[2], 1)
return {'ok', 1}
`,
})

/** Keys: subscriptions, last, relays. Arguments: subscription id. Gives its queue, and whether it had a last notification. */
export const REMOVE_SUBSCRIPTION: Script = script({
  name: "ntf: remove subscription",
  keys: 3,
  lua: `
local queue = redis.call('HGET', KEYS[1], ARGV[1])
if not queue then return {'absent'} end
redis.call('HDEL', KEYS[1], ARGV[1])
local last = redis.call('HDEL', KEYS[2], ARGV[1])
local relay = string.sub(queue, 1, 16)
if redis.call('HINCRBY', KEYS[3], relay, -1) <= 0 then redis.call('HDEL', KEYS[3], relay) end
return {'ok', queue, last}
`,
})

export const TOKEN_SCRIPTS: readonly Script[] = [
  CREATE_TOKEN,
  UPDATE_TOKEN,
  DELETE_TOKEN,
  MOVE_UNVERIFIED,
  ADD_SUBSCRIPTION,
  REMOVE_SUBSCRIPTION,
]
