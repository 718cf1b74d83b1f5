/** Pieces of Lua that several scripts share. */

/**
 * What is to be pushed to the registration of `KEYS[1]`: content with a new number, which ends the wait for a second
 * attempt but not the claim of a node that is sending the one before; and none any more.
 */
export const PUSHES = `
local function free(kind) redis.call('HDEL', KEYS[1], kind .. 'c', kind .. 't', kind .. 'n') end
local function put(kind)
  redis.call('HSET', KEYS[1], kind, redis.call('HINCRBY', KEYS[1], 'q', 1))
  if redis.call('HGET', KEYS[1], kind .. 'c') == '' then free(kind) end
end
local function drop(kind)
  redis.call('HDEL', KEYS[1], kind)
  free(kind)
end
`

/** Milliseconds of Redis' own clock. */
export const NOW = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
`

/**
 * Number and hash of the subscriptions of this server's service at the relay of `KEYS[1]`: one more or one less, by the
 * MD5 of its notifier id (smp.md §2.4).
 */
export const COUNTED = `
local function count(change, md5)
  redis.call('HINCRBY', KEYS[1], 'n', change)
  local hash = redis.call('HGET', KEYS[1], 'h') or string.rep('\\0', 16)
  local bytes = {}
  for i = 1, 16 do bytes[i] = string.char(bit.bxor(string.byte(hash, i), string.byte(md5, i))) end
  redis.call('HSET', KEYS[1], 'h', table.concat(bytes))
end
`

/** Whether the node that asks has lost the relay of `KEYS[1]` to another one. Nodes that are alone have no fence: "". */
export const FENCE = `
local function lost(fence) return fence ~= '' and fence ~= redis.call('HGET', KEYS[1], 'f') end
`
