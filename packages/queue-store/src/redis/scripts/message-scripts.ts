import { type Script, script } from "@sluice/redis/script"
import { EXPIRE, ITEMS, NOTIFICATIONS, REVISE, USABLE_RECORD } from "./lua.ts"

/** Sending, reading, acknowledging and expiring messages, and subscriptions to them. */

/**
 * Keys: record, messages, bodies, link, notifications, the new body. Arguments: item, quota, time before which messages
 * expire or "", notifier ID or "", notification, revision of the record or "" for any. The body was written just before, with
 * a time after which it is gone; from here on it stays, or is removed. A message that fills an empty queue is counted; a
 * marker is not.
 */
export const ENQUEUE: Script = script({
  name: "enqueue",
  keys: 6,
  lua: `${ITEMS}${EXPIRE}${NOTIFICATIONS}
local i, q, l, n, v, t, o, e, w, g =
  unpack(redis.call('HMGET', KEYS[1], 'i', 'q', 'l', 'n', 'v', 't', 'o', 'e', 'w', 'g'))
local changed = ARGV[6] ~= '' and ARGV[6] ~= g
if not i or t or changed then
  redis.call('DEL', KEYS[6])
  if not i then return {'no-queue'} end
  if changed then return {'changed'} end
  if t == 'o' then return {'off'} end
  return {'blocked', t}
end
if redis.call('PERSIST', KEYS[6]) == 0 then return {'no-body'} end
local spent = false
if l and q and string.byte(i) ~= 99 then
  redis.call('HDEL', KEYS[1], 'l')
  redis.call('DEL', KEYS[4])
  spent = l
end
local expired = 0
if ARGV[3] ~= '' then expired = expire(KEYS[2], KEYS[3], tonumber(ARGV[3])) end
local size = redis.call('LLEN', KEYS[2])
if size > 0 and w then
  redis.call('DEL', KEYS[6])
  return {'quota', 0, expired, spent}
end
if size >= tonumber(ARGV[2]) then
  redis.call('DEL', KEYS[6])
  redis.call('RPUSH', KEYS[2], 'q' .. string.sub(ARGV[1], 2))
  redis.call('HSET', KEYS[1], 'w', '0')
  return {'quota', 1, expired, spent}
end
if w then redis.call('HDEL', KEYS[1], 'w') end
redis.call('RPUSH', KEYS[2], ARGV[1])
local filling = size == 0 and redis.call('HINCRBY', KEYS[1], 'f', 1)
local notified = 0
if ARGV[4] ~= '' and n and string.sub(n, 1, 24) == ARGV[4] then
  notify(KEYS[5], ARGV[5])
  notified = 1
end
return {'stored', size, expired, spent, notified, o, e, v, filling}
`,
})

/**
 * Keys: record, messages, bodies. Arguments: message ID, node or "", epoch, revision of the record or "" for any. Gives what
 * was removed, the head, its body, and how often an empty queue was filled.
 */
export const ACKNOWLEDGE: Script = script({
  name: "acknowledge",
  keys: 3,
  lua: `${ITEMS}
local i, o, e, g, f = unpack(redis.call('HMGET', KEYS[1], 'i', 'o', 'e', 'g', 'f'))
if not i then return {'no-queue'} end
if ARGV[4] ~= '' and ARGV[4] ~= g then return {'changed'} end
if ARGV[2] ~= '' and (o ~= ARGV[2] or e ~= ARGV[3]) then return {'not-owner'} end
local head, following = unpack(redis.call('LRANGE', KEYS[2], 0, 1))
if not head then return {'ok', false, false, false, f} end
local removed = idOf(head) == ARGV[1]
local next = head
if removed then next = following end
local body = false
if next and not isMarker(next) then
  body = redis.call('GET', KEYS[3] .. bodyOf(next))
  if not body then return {'corrupt'} end
end
if removed then
  redis.call('LPOP', KEYS[2])
  if not isMarker(head) then redis.call('DEL', KEYS[3] .. bodyOf(head)) end
end
return {'ok', removed and head, next or false, body, not next and f}
`,
})

/** Keys: messages, bodies, record. Gives the head and its body, or how often the queue was filled before it was empty now. */
export const PEEK: Script = script({
  name: "peek",
  keys: 3,
  lua: `${ITEMS}
local head = redis.call('LINDEX', KEYS[1], 0)
if not head then return {'ok', false, false, redis.call('HGET', KEYS[3], 'f')} end
if isMarker(head) then return {'ok', head} end
local body = redis.call('GET', KEYS[2] .. bodyOf(head))
if not body then return {'corrupt'} end
return {'ok', head, body}
`,
})

/** Keys: messages, bodies. Gives all items and, in their places, the bodies. */
export const ALL_MESSAGES: Script = script({
  name: "all messages",
  keys: 2,
  lua: `${ITEMS}
local items = redis.call('LRANGE', KEYS[1], 0, -1)
local bodies = {}
for position, item in ipairs(items) do
  bodies[position] = not isMarker(item) and redis.call('GET', KEYS[2] .. bodyOf(item))
end
return {'ok', items, bodies}
`,
})

/** Keys: messages, bodies. Arguments: time before which messages expire. */
export const EXPIRE_MESSAGES: Script = script({
  name: "expire messages",
  keys: 2,
  lua: `${ITEMS}${EXPIRE}
return {'ok', expire(KEYS[1], KEYS[2], tonumber(ARGV[1]))}
`,
})

/**
 * Keys: record, messages, bodies. Arguments: node, epoch to take if the last one is not greater, service ID or "". Gives
 * the record, epoch, node and epoch before, service before if it changed, head, its body, and how often it was filled.
 */
export const SUBSCRIBE: Script = script({
  name: "subscribe",
  keys: 3,
  withoutMemory: true,
  lua: `${ITEMS}${REVISE}${USABLE_RECORD}
local head = redis.call('LINDEX', KEYS[2], 0)
local body = false
if head and not isMarker(head) then
  body = redis.call('GET', KEYS[3] .. bodyOf(head))
  if not body then return {'corrupt'} end
end
local o, e, f = unpack(redis.call('HMGET', KEYS[1], 'o', 'e', 'f'))
local epoch = tonumber(ARGV[2])
if e and tonumber(e) >= epoch then epoch = tonumber(e) + 1 end
redis.call('HSET', KEYS[1], 'o', ARGV[1], 'e', string.format('%.0f', epoch))
local previous = false
local service = ARGV[3] ~= '' and ARGV[3]
if r[8] ~= service then
  previous = r[8]
  r[8] = service
  if service then redis.call('HSET', KEYS[1], 'v', service) else redis.call('HDEL', KEYS[1], 'v') end
  revise()
end
return {'ok', r, epoch, o, e, previous, head, body, f}
`,
})

/** Keys: record. Arguments: node, epoch. */
export const UNSUBSCRIBE: Script = script({
  name: "unsubscribe",
  keys: 1,
  lua: `
local o, e = unpack(redis.call('HMGET', KEYS[1], 'o', 'e'))
if o == ARGV[1] and e == ARGV[2] then redis.call('HDEL', KEYS[1], 'o') end
return {'ok'}
`,
})
