import { type Script, script } from "@sluice/redis/script"
import { NOTIFICATIONS, RECORD, REVISE, USABLE_RECORD } from "./lua.ts"

/** Notifiers and what waits for them. */

/** Removes the notifier and what waits for it; gives how many notifications that were. Needs {@link REVISE}. */
const DROP_NOTIFIER = `
local function dropNotifier()
  local dropped = redis.call('LLEN', KEYS[2])
  redis.call('DEL', KEYS[2])
  redis.call('HDEL', KEYS[1], 'n', 'y', 'z')
  revise()
  return dropped
end
`

/** Whether `ARGV[1]` is the queue's notifier, whose ID is the beginning of its field. */
const IS_NOTIFIER = `
local function isNotifier()
  local n = redis.call('HGET', KEYS[1], 'n')
  return n and string.sub(n, 1, 24) == ARGV[1]
end
`

/**
 * Keys: record, notifications. Arguments: "1" if the index of the new notifier is this queue's, then names and values of
 * its fields. Gives the record, the three fields of the one before, and how many notifications went with it.
 */
export const SET_NOTIFIER: Script = script({
  name: "set notifier",
  keys: 2,
  lua: `${REVISE}${USABLE_RECORD}${DROP_NOTIFIER}
if ARGV[1] ~= '1' then return {'id-taken'} end
local dropped = dropNotifier()
redis.call('HSET', KEYS[1], unpack(ARGV, 2))
return {'ok', record(), r[5], r[6], r[7], dropped}
`,
})

/** Keys: record, notifications. Gives the same as {@link SET_NOTIFIER}. */
export const DELETE_NOTIFIER: Script = script({
  name: "delete notifier",
  keys: 2,
  lua: `${REVISE}${USABLE_RECORD}${DROP_NOTIFIER}
local dropped = dropNotifier()
return {'ok', record(), r[5], r[6], r[7], dropped}
`,
})

/** Keys: record. Arguments: notifier ID, service ID or "". Gives the record and the service before. */
export const ASSOCIATE_NOTIFIER: Script = script({
  name: "associate notifier",
  keys: 1,
  lua: `${REVISE}${RECORD}
local r = record()
if not r[5] or string.sub(r[5], 1, 24) ~= ARGV[1] then return {'no-queue'} end
local before = r[7]
if ARGV[2] == '' then
  redis.call('HDEL', KEYS[1], 'z')
  r[7] = false
else
  redis.call('HSET', KEYS[1], 'z', ARGV[2])
  r[7] = ARGV[2]
end
if before ~= r[7] then revise() end
return {'ok', r, before}
`,
})

/** Keys: record, notifications. Arguments: notifier ID, how many. */
export const LIST_NOTIFICATIONS: Script = script({
  name: "list notifications",
  keys: 2,
  lua: `${IS_NOTIFIER}
if not isNotifier() then return {'ok', {}} end
return {'ok', redis.call('LRANGE', KEYS[2], 0, tonumber(ARGV[2]) - 1)}
`,
})

/** Keys: record, notifications. Arguments: notifier ID, the last number to remove. */
export const REMOVE_NOTIFICATIONS: Script = script({
  name: "remove notifications",
  keys: 2,
  lua: `${NOTIFICATIONS}${IS_NOTIFIER}
if not isNotifier() then return {'ok', 0} end
local removed = 0
while true do
  local item = redis.call('LINDEX', KEYS[2], 0)
  if not item or numberOf(item) > tonumber(ARGV[2]) then return {'ok', removed} end
  redis.call('LPOP', KEYS[2])
  removed = removed + 1
end
`,
})

/** Keys: notifications. Arguments: time before which they expire. All are looked at: times need not be in order. */
export const EXPIRE_NOTIFICATIONS: Script = script({
  name: "expire notifications",
  keys: 1,
  lua: `${NOTIFICATIONS}
local items = redis.call('LRANGE', KEYS[1], 0, -1)
local before = tonumber(ARGV[1])
local expired = 0
for _, item in ipairs(items) do
  if notifiedAt(item) < before then
    redis.call('LREM', KEYS[1], 1, item)
    expired = expired + 1
  end
end
return {'ok', expired}
`,
})

/** Keys: record, notifications. Arguments: notifier ID, notifications. */
export const ADD_NOTIFICATIONS: Script = script({
  name: "add notifications",
  keys: 2,
  lua: `${NOTIFICATIONS}${IS_NOTIFIER}
if not isNotifier() then return {'no-queue'} end
for position = 2, #ARGV do notify(KEYS[2], ARGV[position]) end
return {'ok'}
`,
})
