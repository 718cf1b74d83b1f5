import { type Script, script } from "./script.ts"

/**
 * Adds to numbers for operators, all or none. A server without memory takes it, since numbers change there, too, by what
 * makes room; the hash has a few fields. Keys: hash. Arguments: name of a field and what is added to it, any number of times.
 */
export const ADD_TO_COUNTS: Script = script({
  name: "add to counts",
  keys: 1,
  withoutMemory: true,
  lua: `
for position = 1, #ARGV, 2 do redis.call('HINCRBY', KEYS[1], ARGV[position], ARGV[position + 1]) end
return 1
`,
})
