import { type Script, script } from "@sluice/redis/script"
import { DROP_MESSAGES, ITEMS, RECORD, REVISE, USABLE_RECORD } from "./lua.ts"

/** Whole queues, and changes of their record. */

/**
 * Keys: record, link. Arguments: node of the subscriber or "", its epoch, link data or "", names and values of fields.
 */
export const CREATE: Script = script({
  name: "create queue",
  keys: 2,
  lua: `${REVISE}
if redis.call('EXISTS', KEYS[1]) == 1 then return {'exists'} end
redis.call('HSET', KEYS[1], unpack(ARGV, 4))
revise()
if ARGV[1] ~= '' then redis.call('HSET', KEYS[1], 'o', ARGV[1], 'e', ARGV[2]) end
if ARGV[3] ~= '' then redis.call('SET', KEYS[2], ARGV[3]) end
return {'ok'}
`,
})

/**
 * Keys: record, messages, bodies, link, notifications. Gives the record, the number of messages, of notifications, and the
 * owner.
 */
export const DELETE: Script = script({
  name: "delete queue",
  keys: 5,
  lua: `${RECORD}${ITEMS}${DROP_MESSAGES}
local r = record()
if not r[1] then return {'no-queue'} end
local o, e = unpack(redis.call('HMGET', KEYS[1], 'o', 'e'))
local messages = dropMessages(KEYS[2], KEYS[3])
local notifications = redis.call('LLEN', KEYS[5])
redis.call('DEL', KEYS[1], KEYS[4], KEYS[5])
return {'ok', r, messages, notifications, o, e}
`,
})

/** Keys: record, link. Arguments: "recipient", "sender" or "link"; the key. Gives the record and link data. */
export const SECURE: Script = script({
  name: "secure",
  keys: 2,
  lua: `${REVISE}${USABLE_RECORD}
if ARGV[1] ~= 'recipient' and string.byte(r[1]) ~= 109 then return {'wrong-mode'} end
local data = false
if ARGV[1] == 'link' then
  data = redis.call('GET', KEYS[2])
  if not data then return {'no-link'} end
end
if r[3] then
  if r[3] ~= ARGV[2] then return {'other-key'} end
else
  redis.call('HSET', KEYS[1], 'q', ARGV[2])
  revise()
  r[3] = ARGV[2]
end
return {'ok', r, data}
`,
})

/** Keys: record. Arguments: keys. */
export const SET_RECIPIENT_KEYS: Script = script({
  name: "set recipient keys",
  keys: 1,
  lua: `${REVISE}${USABLE_RECORD}
if string.byte(r[1]) ~= 99 then return {'wrong-mode'} end
redis.call('HSET', KEYS[1], 'k', ARGV[1])
revise()
r[2] = ARGV[1]
return {'ok', r}
`,
})

/**
 * Keys: record. Arguments: "set" and a status, "block" and why, or "unblock". Gives the record, the status before and the
 * owner. A block keeps that the queue was suspended (`B`).
 */
export const SET_STATUS: Script = script({
  name: "set status",
  keys: 1,
  withoutMemory: true,
  lua: `${REVISE}${RECORD}
local r = record()
if not r[1] then return {'no-queue'} end
local before = r[9] or ''
local suspended = before == 'o' or string.byte(before) == 66
local status = ARGV[2]
if ARGV[1] == 'block' then
  status = (suspended and 'B' or 'b') .. status
elseif ARGV[1] == 'unblock' then
  status = suspended and 'o' or ''
end
if status == '' then
  redis.call('HDEL', KEYS[1], 't')
else
  redis.call('HSET', KEYS[1], 't', status)
end
revise()
r[9] = status
local o, e = unpack(redis.call('HMGET', KEYS[1], 'o', 'e'))
return {'ok', r, before, o, e}
`,
})

/** Keys: record. Arguments: day of the last use. */
export const TOUCH: Script = script({
  name: "touch",
  keys: 1,
  lua: `
local day = redis.call('HGET', KEYS[1], 'u')
if day and day ~= ARGV[1] then redis.call('HSET', KEYS[1], 'u', ARGV[1]) end
return {'ok'}
`,
})

/**
 * Keys: record, link. Arguments: link ID, "1" if its index is this queue's, link data, bytes of it up to the end of its
 * fixed data. Gives the record.
 */
export const SET_LINK: Script = script({
  name: "set link",
  keys: 2,
  lua: `${USABLE_RECORD}
if r[3] and string.byte(r[1]) ~= 99 then return {'secured'} end
if r[4] then
  if r[4] ~= ARGV[1] then return {'link-differs'} end
  local fixed = tonumber(ARGV[4])
  local before = redis.call('GET', KEYS[2])
  if before and string.sub(before, 1, fixed) ~= string.sub(ARGV[3], 1, fixed) then return {'link-differs'} end
else
  if ARGV[2] ~= '1' then return {'id-taken'} end
  redis.call('HSET', KEYS[1], 'l', ARGV[1])
  r[4] = ARGV[1]
end
redis.call('SET', KEYS[2], ARGV[3])
return {'ok', r}
`,
})

/** Keys: record, link. Gives the record and the link ID before. */
export const DELETE_LINK: Script = script({
  name: "delete link",
  keys: 2,
  lua: `${USABLE_RECORD}
local before = r[4]
if before then
  redis.call('HDEL', KEYS[1], 'l')
  redis.call('DEL', KEYS[2])
  r[4] = false
end
return {'ok', r, before}
`,
})

/** Keys: record, link. Arguments: day before which an unused link of a messaging queue expires. Gives the link ID. */
export const EXPIRE_LINK: Script = script({
  name: "expire link",
  keys: 2,
  lua: `
local i, q, l, u = unpack(redis.call('HMGET', KEYS[1], 'i', 'q', 'l', 'u'))
if not i or q or not l or string.byte(i) ~= 109 or redis.call('EXISTS', KEYS[2]) == 0 then return {'ok', false} end
local high, low = string.byte(i, 2, 3)
local created = high * 256 + low
if created == 0 then created = tonumber(u) end
if created >= tonumber(ARGV[1]) then return {'ok', false} end
redis.call('HDEL', KEYS[1], 'l')
redis.call('DEL', KEYS[2])
return {'ok', l}
`,
})

/**
 * Keys: record, messages. Arguments: "0" if more can not be written before the queue was emptied, items. For import.
 */
export const APPEND: Script = script({
  name: "append imported messages",
  keys: 2,
  lua: `
if redis.call('EXISTS', KEYS[1]) == 0 then return {'no-queue'} end
if ARGV[1] == '0' then redis.call('HSET', KEYS[1], 'w', '0') else redis.call('HDEL', KEYS[1], 'w') end
if ARGV[2] then redis.call('RPUSH', KEYS[2], unpack(ARGV, 2)) end
return {'ok'}
`,
})
