import { type Script, script } from "@sluice/redis/script"

/** Indexes and sets outside of the slots of queues. */

/** Removes an index if it is still the given queue's. Keys: index. Arguments: recipient ID. */
export const RELEASE: Script = script({
  name: "release",
  keys: 1,
  lua: `
local held = redis.call('GET', KEYS[1])
if held and string.sub(held, 1, 24) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
`,
})

/**
 * Adds a queue to the set of a service or removes it, and changes the hash of the set with it. Keys: IDs, hash. Arguments:
 * "1" to add or "0" to remove, ID, its MD5. Gives whether the set changed.
 */
export const ASSOCIATE: Script = script({
  name: "associate",
  keys: 2,
  withoutMemory: true,
  lua: `
local changed
if ARGV[1] == '1' then
  changed = redis.call('ZADD', KEYS[1], 0, ARGV[2])
else
  changed = redis.call('ZREM', KEYS[1], ARGV[2])
end
if changed == 1 then
  local hash = redis.call('GET', KEYS[2]) or string.rep('\\0', 16)
  local toggled = {}
  for position = 1, 16 do
    toggled[position] = string.char(bit.bxor(string.byte(hash, position), string.byte(ARGV[3], position)))
  end
  if redis.call('EXISTS', KEYS[1]) == 1 then
    redis.call('SET', KEYS[2], table.concat(toggled))
  else
    redis.call('DEL', KEYS[2])
  end
end
return changed
`,
})
