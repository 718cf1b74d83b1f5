import { describe, expect, it } from "vitest"
import { en } from "./en.ts"
import { chooseLanguage, LANGUAGES } from "./languages.ts"

const placeholders = (text: string): string[] => (text.match(/\{\w+\}/g) ?? []).toSorted()

describe.each(LANGUAGES)("$name", ({ texts, tag }) => {
  it("has every text, none of them empty, with the same placeholders", () => {
    expect(Object.keys(texts).toSorted()).toEqual(Object.keys(en).toSorted())
    for (const [key, text] of Object.entries(texts)) {
      expect([key, text.trim() === text && text !== ""]).toEqual([key, true])
      expect([key, placeholders(text)]).toEqual([key, placeholders(en[key as keyof typeof en])])
    }
  })

  it("is translated: few texts are the same as in English", () => {
    const same = Object.entries(texts).filter(([key, text]) => en[key as keyof typeof en] === text)
    if (tag !== "en") expect(same.length).toBeLessThan(10)
  })
})

describe("the language of a page", () => {
  it.each([
    [undefined, "de-CH,de;q=0.9,en;q=0.8", "de"],
    [undefined, "fr;q=0.9, es;q=0.5, en;q=0.7", "en"],
    [undefined, "ES", "es"],
    [undefined, "de;q=0, es;q=0.1", "es"],
    [undefined, "", "en"],
    [undefined, "*", "en"],
    [undefined, undefined, "en"],
    [undefined, ";;;,q=,=;q=x", "en"],
    ["de", "es", "de"],
    ["DE-at", "es", "de"],
    ["xx", "es", "en"],
  ])("chosen %s, accepted %s: %s", (chosen, accepted, tag) => {
    expect(chooseLanguage(chosen, accepted).tag).toBe(tag)
  })
})
