import { type Script, script } from "@sluice/redis/script"

/** Blobs, which all share one slot, so that their number can be kept exactly. */

/**
 * Makes a blob or replaces it. Keys: times of all blobs, blob. Arguments: name, key, time, data, limit. Answers `ok`,
 * `other-key` or `full`.
 */
export const WRITE_BLOB: Script = script({
  name: "write blob",
  keys: 2,
  lua: `
local key = redis.call('HGET', KEYS[2], 'k')
if key and key ~= ARGV[2] then return {'other-key'} end
if not key and redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[5]) then return {'full'} end
redis.call('HSET', KEYS[2], 'k', ARGV[2], 't', ARGV[3], 'd', ARGV[4])
redis.call('ZADD', KEYS[1], ARGV[3], ARGV[1])
return {'ok'}
`,
})

/** Removes a blob if the key is its owner's. Keys: times, blob. Arguments: name, key. Answers `ok` or `other-key`. */
export const CLEAR_BLOB: Script = script({
  name: "clear blob",
  keys: 2,
  lua: `
if redis.call('HGET', KEYS[2], 'k') ~= ARGV[2] then return {'other-key'} end
redis.call('DEL', KEYS[2])
redis.call('ZREM', KEYS[1], ARGV[1])
return {'ok'}
`,
})

/**
 * Removes the oldest blobs last written before a time. Keys: times, what the keys of blobs begin with. Arguments: time,
 * how many at the most. Answers `ok` and how many.
 */
export const EXPIRE_BLOBS: Script = script({
  name: "expire blobs",
  keys: 2,
  lua: `
local old = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', '(' .. ARGV[1], 'LIMIT', 0, tonumber(ARGV[2]))
for _, name in ipairs(old) do
  redis.call('DEL', KEYS[2] .. name)
  redis.call('ZREM', KEYS[1], name)
end
return {'ok', #old}
`,
})
