import { expect, it } from "vitest"
import { isOwnServer } from "./own-server.ts"

it.each<[string[], string[], boolean]>([
  [["example.com"], ["example.com"], true],
  [["smp1.example.com"], ["example.com"], true],
  [["a.b.example.com", "x.onion"], ["other.org", "example.com"], true],
  [["notexample.com"], ["example.com"], false],
  [["example.com.evil.org"], ["example.com"], false],
  [["x.onion", "smp1.example.com"], ["example.com"], false],
  [["example.com"], [], false],
  [[], ["example.com"], false],
])("%j with own domains %j: %s", (hosts, domains, expected) => expect(isOwnServer(hosts, domains)).toBe(expected))
