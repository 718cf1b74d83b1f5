import { expect, it } from "vitest"
import { html } from "./html.ts"

it("escapes whatever is put into a template, except HTML", () => {
  const evil = `"><script>alert('&')</script>`
  const page = html`<p title="${evil}">${evil}${html`<b>${1}</b>`}${[html`<i></i>`, "<"]}${undefined}</p>`
  const escaped = "&quot;&gt;&lt;script&gt;alert(&#39;&amp;&#39;)&lt;/script&gt;"
  expect(page.text).toBe(`<p title="${escaped}">${escaped}<b>1</b><i></i>&lt;</p>`)
})
