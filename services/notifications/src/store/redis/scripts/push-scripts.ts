import { type Script, script } from "@sluice/redis/script"
import { NOW, PUSHES } from "./lua.ts"

/** Last notifications that a registration keeps. */
const MOST = 6

/**
 * Keys: token, subscriptions, last. Arguments, for each notification: subscription id, time, nonce and metadata. What was
 * stored before, by a call whose answer got lost, is not stored again. Gives whether there is something to be pushed, the places of those whose subscription is not
 * there, how many more last notifications there are than before, and how many notifications were taken.
 */
export const RECORD: Script = script({
  name: "ntf: record notifications",
  keys: 3,
  lua: `${PUSHES}
if redis.call('HGET', KEYS[1], 'a') ~= '1' then return {'inactive', redis.call('HEXISTS', KEYS[1], 'M')} end
local newest = {}
for i = 1, #ARGV, 3 do newest[ARGV[i]] = ARGV[i + 2] end
local done, missing = {}, {}
for id, body in pairs(newest) do
  local last = redis.call('HGET', KEYS[3], id)
  done[id] = last and string.sub(last, 26) == body
end
local before = redis.call('HLEN', KEYS[3])
local taken = 0
for i = 1, #ARGV, 3 do
  local id = ARGV[i]
  if redis.call('HEXISTS', KEYS[2], id) == 0 then
    missing[#missing + 1] = (i - 1) / 3
  else
    taken = taken + 1
    if not done[id] then
      put('M')
      local number = redis.call('HGET', KEYS[1], 'q')
      redis.call('HSET', KEYS[3], id, string.format('%015d%010d', number, ARGV[i + 1]) .. ARGV[i + 2])
    end
  end
end
local all = redis.call('HGETALL', KEYS[3])
while #all > ${2 * MOST} do
  local oldest = 1
  for i = 3, #all, 2 do if all[i + 1] < all[oldest + 1] then oldest = i end end
  redis.call('HDEL', KEYS[3], all[oldest])
  table.remove(all, oldest)
  table.remove(all, oldest)
end
return {'ok', redis.call('HEXISTS', KEYS[1], 'M'), missing, #all / 2 - before, taken}
`,
})

/**
 * Keys: token, subscriptions, last. Arguments: kind, node, milliseconds that a claim holds in any case, milliseconds that
 * it holds while its node lives, then the nodes that live. Claims a push for the node and gives record, number, and for
 * messages the last notifications with their queues.
 */
export const CLAIM: Script = script({
  name: "ntf: claim push",
  keys: 3,
  lua: `${NOW}
local kind = ARGV[1]
local p = redis.call('HMGET', KEYS[1], kind, kind .. 'c', kind .. 't', 'r')
if not p[1] or not p[4] then return {'none'} end
local holder, since = p[2], tonumber(p[3] or 0)
if holder == '' then
  if since > now then return {'held'} end
elseif holder and holder ~= ARGV[2] then
  local lives = false
  for i = 5, #ARGV do lives = lives or ARGV[i] == holder end
  if now - since < tonumber(ARGV[lives and 4 or 3]) then return {'held'} end
end
redis.call('HSET', KEYS[1], kind .. 'c', ARGV[2], kind .. 't', string.format('%.0f', now))
local last, queues = {}, {}
if kind == 'M' then
  last = redis.call('HGETALL', KEYS[3])
  for i = 1, #last, 2 do queues[#queues + 1] = redis.call('HGET', KEYS[2], last[i]) or '' end
end
return {'ok', p[4], p[1], last, queues}
`,
})

/** Keys: token. Arguments: kind, number. Gives 1 if there is other content to be pushed. */
export const FINISH: Script = script({
  name: "ntf: finish push",
  keys: 1,
  lua: `${PUSHES}
local number = redis.call('HGET', KEYS[1], ARGV[1])
if not number then return {'ok', 0} end
if number ~= ARGV[2] then
  free(ARGV[1])
  return {'ok', 1}
end
drop(ARGV[1])
return {'ok', 0}
`,
})

/** Keys: token. Arguments: kind, node, milliseconds until a second attempt. Only for the node that holds the claim. */
export const POSTPONE: Script = script({
  name: "ntf: postpone push",
  keys: 1,
  lua: `${NOW}
local kind = ARGV[1]
if redis.call('HGET', KEYS[1], kind .. 'c') ~= ARGV[2] then return {'lost'} end
redis.call('HSET', KEYS[1], kind .. 'c', '', kind .. 't', string.format('%.0f', now + ARGV[3]), kind .. 'n', '1')
return {'ok'}
`,
})

/** Keys: list of pushes. Arguments: member, the score that it was given with the claim. A newer push has another one. */
export const REMOVE_ENTRY: Script = script({
  name: "ntf: remove entry of push",
  keys: 1,
  lua: `
local score = redis.call('ZSCORE', KEYS[1], ARGV[1])
if score and tonumber(score) == tonumber(ARGV[2]) then redis.call('ZREM', KEYS[1], ARGV[1]) end
return {'ok'}
`,
})

export const PUSH_SCRIPTS: readonly Script[] = [RECORD, CLAIM, FINISH, POSTPONE, REMOVE_ENTRY]
