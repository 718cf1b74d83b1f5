import { expect, it } from "vitest"
import { lineOf, tomlLines } from "./toml-lines.ts"

const text = `# a comment = 1
top = 1

[relay] # section
port = 5223
text = """
hidden = 1
[not.a.section]
"""
messages.ttl = "1d"
"quoted" = 'x'
list = [
  "a = b",
]

[ relay . nested ]
key = """one line"""
after = 1
[[many]]
item = 1
`

it("finds keys and sections", () => {
  expect(Object.fromEntries(tomlLines(text))).toEqual({
    top: 2,
    relay: 4,
    "relay.port": 5,
    "relay.text": 6,
    "relay.messages.ttl": 10,
    "relay.quoted": 11,
    "relay.list": 12,
    "relay.nested": 16,
    "relay.nested.key": 17,
    "relay.nested.after": 18,
    many: 19,
    "many.item": 20,
  })
})

it("falls back to the table around a key", () => {
  const lines = tomlLines("x = 1\nrelay = { port = 1 }\n")
  expect(lineOf(lines, ["relay", "port"])).toBe(2)
  expect(lineOf(lines, ["other", "port"])).toBeUndefined()
})
