/**
 * Pieces of Lua that several scripts share. Every script begins with those that it uses. Those that recipients and operators
 * need while Redis is full run without memory as well: what frees some must not be refused for lack of it. The first value of
 * every answer is a word: `ok`, or why not.
 */

/** The record of `KEYS[1]` in the order of `RECORD_FIELDS`, without the revision behind it. */
export const RECORD = `
local function record()
  return redis.call('HMGET', KEYS[1], 'i', 'k', 'q', 'l', 'n', 'y', 'z', 'v', 't', 'u')
end
`

/** {@link RECORD}, and goes on with it as `r` if there is a queue that no operator has blocked. */
export const USABLE_RECORD: string = `${RECORD}
local r = record()
if not r[1] then return {'no-queue'} end
if r[9] and string.byte(r[9]) ~= 111 then return {'blocked', r[9]} end
`

/**
 * Gives the record a new revision: the microseconds of Redis' clock, so that none comes back after Redis lost its last
 * changes. To be called with every change of the record, except of link and day of last use: nodes act on records that they
 * remember as long as these have the same revision.
 */
export const REVISE = `
local function revise()
  local time = redis.call('TIME')
  redis.call('HSET', KEYS[1], 'g', time[1] .. string.format('%06d', time[2]))
end
`

/**
 * Items of messages: a flag (m a message, n one with its sender's notification flag, q the marker), 24 bytes ID, 11
 * characters of the body's name, the time as a decimal number.
 */
export const ITEMS = `
local function isMarker(item) return string.byte(item) == 113 end
local function idOf(item) return string.sub(item, 2, 25) end
local function bodyOf(item) return string.sub(item, 26, 36) end
local function timeOf(item) return tonumber(string.sub(item, 37)) end
`

/** Removes messages older than `before` from the head; a marker ends that (smp.md §5). Needs {@link ITEMS}. */
export const EXPIRE = `
local function expire(messages, bodies, before)
  local expired = 0
  while true do
    local item = redis.call('LINDEX', messages, 0)
    if not item or isMarker(item) or timeOf(item) >= before then return expired end
    redis.call('LPOP', messages)
    redis.call('DEL', bodies .. bodyOf(item))
    expired = expired + 1
  end
end
`

/** Removes all messages with their bodies; gives how many there were without a marker. Needs {@link ITEMS}. */
export const DROP_MESSAGES = `
local function dropMessages(messages, bodies)
  local dropped = 0
  for _, item in ipairs(redis.call('LRANGE', messages, 0, -1)) do
    if not isMarker(item) then
      redis.call('DEL', bodies .. bodyOf(item))
      dropped = dropped + 1
    end
  end
  redis.call('DEL', messages)
  return dropped
end
`

/** Items of notifications: 15 digits of the number, then the stored form of `small-codes.ts`. */
export const NOTIFICATIONS = `
local function notify(notifications, stored)
  local number = redis.call('HINCRBY', KEYS[1], 'c', 1)
  redis.call('RPUSH', notifications, string.format('%015d', number) .. stored)
end
local function numberOf(item) return tonumber(string.sub(item, 1, 15)) end
local function notifiedAt(item)
  local a, b, c, d, e = string.byte(item, 17, 21)
  return (((a * 256 + b) * 256 + c) * 256 + d) * 256 + e
end
`
