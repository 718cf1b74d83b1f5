import { type Script, script } from "@sluice/redis/script"
import { COUNTED, FENCE } from "./lua.ts"

/*
 * Fields of a relay: a address, i id of our service, c certificate and k its key, e epoch of associations, n and h number
 * and hash of the associated subscriptions, t number of all, u whether it is up, f fence of its owner.
 */

/** Keys: relay, subscriptions, order, fresh. Arguments: notifier id, subscription, address. Gives the epoch, or what there is. */
export const ADD_QUEUE: Script = script({
  name: "ntf: add queue",
  keys: 4,
  lua: `
local known = redis.call('HGET', KEYS[2], ARGV[1])
if known then return {'taken', known} end
redis.call('HSETNX', KEYS[1], 'a', ARGV[3])
redis.call('HSETNX', KEYS[1], 'e', 1)
redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
redis.call('ZADD', KEYS[3], 0, ARGV[1])
redis.call('SADD', KEYS[4], ARGV[1])
redis.call('HINCRBY', KEYS[1], 't', 1)
return {'ok', tonumber(redis.call('HGET', KEYS[1], 'e'))}
`,
})

/**
 * Keys: relay, subscriptions, order, fresh. Arguments: notifier id, subscription as it was read, its epoch of association
 * (0 if it is not to be subscribed), MD5 of the notifier id.
 */
export const REMOVE_QUEUE: Script = script({
  name: "ntf: remove queue",
  keys: 4,
  lua: `${COUNTED}
local known = redis.call('HGET', KEYS[2], ARGV[1])
if not known then return {'absent'} end
if known ~= ARGV[2] then return {'changed', known} end
if redis.call('HGET', KEYS[1], 'e') == ARGV[3] then count(-1, ARGV[4]) end
redis.call('HDEL', KEYS[2], ARGV[1])
redis.call('ZREM', KEYS[3], ARGV[1])
redis.call('SREM', KEYS[4], ARGV[1])
redis.call('HINCRBY', KEYS[1], 't', -1)
return {'ok'}
`,
})

/**
 * Keys: relay, subscriptions, fresh. Arguments: fence, epoch, then for each queue: notifier id, subscription before and
 * after, the epoch of association that each counts with (0 for none), MD5 of the notifier id. Gives the places of queues
 * that are not as they were before.
 */
export const UPDATE_QUEUES: Script = script({
  name: "ntf: update queues",
  keys: 3,
  lua: `${COUNTED}${FENCE}
if lost(ARGV[1]) then return {'lost'} end
local epoch = ARGV[2]
if redis.call('HGET', KEYS[1], 'e') ~= epoch then return {'epoch'} end
local changed = {}
for i = 3, #ARGV, 6 do
  if redis.call('HGET', KEYS[2], ARGV[i]) ~= ARGV[i + 1] then
    changed[#changed + 1] = (i - 3) / 6
  else
    redis.call('HSET', KEYS[2], ARGV[i], ARGV[i + 2])
    redis.call('SREM', KEYS[3], ARGV[i])
    local before, after = ARGV[i + 3] == epoch, ARGV[i + 4] == epoch
    if before ~= after then count(after and 1 or -1, ARGV[i + 5]) end
  end
end
return {'ok', changed}
`,
})

/** Keys: relay, order, subscriptions. Arguments: lower end as of `ZRANGEBYLEX`, limit. Gives address, epoch, ids, subscriptions. */
export const PAGE_OF_QUEUES: Script = script({
  name: "ntf: page of queues",
  keys: 3,
  lua: `
local relay = redis.call('HMGET', KEYS[1], 'a', 'e')
if not relay[1] then return {'absent'} end
local ids = redis.call('ZRANGEBYLEX', KEYS[2], ARGV[1], '+', 'LIMIT', 0, ARGV[2])
local stored = {}
for i, id in ipairs(ids) do stored[i] = redis.call('HGET', KEYS[3], id) or '' end
return {'ok', relay[1], relay[2], ids, stored}
`,
})

/** Keys: relay. Arguments: certificate, its key. Gives those that are kept. */
export const KEEP_CREDENTIALS: Script = script({
  name: "ntf: keep credentials",
  keys: 1,
  lua: `
if redis.call('HEXISTS', KEYS[1], 'a') == 0 then return {'absent'} end
local kept = redis.call('HMGET', KEYS[1], 'c', 'k')
if kept[1] then return {'ok', kept[1], kept[2]} end
redis.call('HSET', KEYS[1], 'c', ARGV[1], 'k', ARGV[2])
return {'ok', ARGV[1], ARGV[2]}
`,
})

/** Keys: relay. Arguments: fence, service id or "", "1" to forget the certificate. No subscription names the new epoch. */
export const SET_SERVICE: Script = script({
  name: "ntf: set service",
  keys: 1,
  lua: `${FENCE}
if redis.call('HEXISTS', KEYS[1], 'a') == 0 then return {'absent'} end
if lost(ARGV[1]) then return {'lost'} end
if ARGV[2] == '' then redis.call('HDEL', KEYS[1], 'i') else redis.call('HSET', KEYS[1], 'i', ARGV[2]) end
if ARGV[3] == '1' then redis.call('HDEL', KEYS[1], 'c', 'k') end
redis.call('HDEL', KEYS[1], 'n', 'h')
redis.call('HINCRBY', KEYS[1], 'e', 1)
return {'ok'}
`,
})

/** Keys: relay. Arguments: fence, "1" or "0". */
export const SET_UP: Script = script({
  name: "ntf: set up",
  keys: 1,
  lua: `${FENCE}
if redis.call('HEXISTS', KEYS[1], 'a') == 0 then return {'absent'} end
if lost(ARGV[1]) then return {'lost'} end
redis.call('HSET', KEYS[1], 'u', ARGV[2])
return {'ok'}
`,
})

/**
 * Keys: relay, owner. Arguments: node, milliseconds. Makes the node the owner, or lets it stay so, and gives its fence;
 * what an owner before it still wants to change is refused from then on. Gives the owner when that is another.
 */
export const TAKE_RELAY: Script = script({
  name: "ntf: take relay",
  keys: 2,
  lua: `
if redis.call('HEXISTS', KEYS[1], 'a') == 0 then return {'absent'} end
local owner = redis.call('GET', KEYS[2])
if owner and owner ~= ARGV[1] then return {'held', owner} end
redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2])
if owner then return {'ok', tonumber(redis.call('HGET', KEYS[1], 'f'))} end
redis.call('HSET', KEYS[1], 'u', '0')
return {'ok', redis.call('HINCRBY', KEYS[1], 'f', 1)}
`,
})

/** Keys: owner. Arguments: node. */
export const RELEASE_RELAY: Script = script({
  name: "ntf: release relay",
  keys: 1,
  lua: `
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
return {'ok'}
`,
})

export const RELAY_SCRIPTS: readonly Script[] = [
  ADD_QUEUE,
  REMOVE_QUEUE,
  UPDATE_QUEUES,
  PAGE_OF_QUEUES,
  KEEP_CREDENTIALS,
  SET_SERVICE,
  SET_UP,
  TAKE_RELAY,
  RELEASE_RELAY,
]
