import { LANGUAGES, type Language } from "../texts/languages.ts"
import { type Html, html, type Part } from "./html.ts"

/** Paths of the files that pages load, with hashes of their content. */
export interface AssetPaths {
  readonly script: string
  readonly style: string
  readonly icon: string
}

/** What a page is put into. */
export interface PageFrame {
  readonly language: Language
  readonly assets: AssetPaths
  readonly title: string
  /** Only pages for links need the script. */
  readonly script: boolean
  /** Whether there is a page about the server to point to; it does not point to itself. */
  readonly about: boolean
  readonly content: Part
}

/**
 * A whole page. Links are not for search engines: whoever finds one there could not have been given it. The form has no
 * action, which keeps the fragment, and the link with it, where a link to another address would lose it.
 */
export function layout({ language, assets, title, script, about, content }: PageFrame): Html {
  const { texts, tag } = language
  return html`<!doctype html>
<html lang="${tag}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex, nofollow">
<meta name="color-scheme" content="light dark">
<meta name="theme-color" content="#f4f3ef" media="(prefers-color-scheme: light)">
<meta name="theme-color" content="#14191a" media="(prefers-color-scheme: dark)">
<title>${title}</title>
<link rel="icon" href="${assets.icon}" type="image/svg+xml">
<link rel="stylesheet" href="${assets.style}">
${script ? html`<script type="module" src="${assets.script}"></script>` : undefined}
</head>
<body>
${content}
<footer class="foot">
<form class="languages" method="get" aria-label="${texts.language}">
${LANGUAGES.map(
  (other) =>
    html`<button name="lang" value="${other.tag}" lang="${other.tag}" aria-pressed="${other.tag === tag ? "true" : "false"}">${other.name}</button>`,
)}
</form>
${about ? html`<p><a class="foot-link" href="/">${texts.aboutServer}</a></p>` : undefined}
</footer>
</body>
</html>
`
}
