import { STATE_LIST } from "../states.ts"
import type { Texts } from "../texts/en.ts"
import type { Language } from "../texts/languages.ts"
import { type Html, html } from "./html.ts"
import { type IconName, icon } from "./icons.ts"
import type { LinkKind } from "./kinds.ts"
import { type AssetPaths, layout } from "./layout.ts"
import { STORES } from "./stores.ts"

/** What a page for links depends on. */
export interface LinkPageOptions {
  readonly kind: LinkKind
  readonly language: Language
  readonly assets: AssetPaths
  /** Whether the profile behind an address is shown. */
  readonly preview: boolean
}

const TONE_ICONS = { problem: "question", danger: "warning" } as const satisfies Record<string, IconName>

/**
 * The page for one kind of link. It holds everything that it may have to say in its language; the script, which alone
 * knows the link, fills in the profile or shows one of the states.
 */
export function linkPage({ kind, language, assets, preview }: LinkPageOptions): Html {
  const { texts } = language
  return layout({
    language,
    assets,
    title: `${texts[kind.label]} · SimpleX`,
    script: true,
    about: true,
    content: html`<main class="link" id="link" data-kind="${kind.path}" data-preview="${preview ? "on" : "off"}" data-copied="${texts.copied}" data-copy-failed="${texts.copyFailed}" data-picture-label="${texts.pictureLabel}" data-no-name="${texts.noName}">
<section class="card who">
<p class="kind">${icon(kind.icon)}<span>${texts[kind.label]}</span></p>
<div aria-live="polite">
${profile(texts)}
${STATE_LIST.map(({ name, tone, title, text, retry, dead }) => {
  const mark = tone === "neutral" ? (name === "loading" ? "lock" : kind.icon) : TONE_ICONS[tone]
  return html`<div class="state ${tone}" data-state="${name}"${dead ? html` data-dead` : undefined} hidden>
<span class="mark">${icon(mark)}</span>
<h1>${texts[title]}</h1>
<p>${texts[text]}</p>
${retry ? html`<p><button type="button" class="quiet" data-retry>${texts.tryAgain}</button></p>` : undefined}
</div>`
})}
</div>
<noscript><div class="state neutral">
<span class="mark">${icon("lock")}</span>
<h1>${texts.noScriptTitle}</h1>
<p>${texts.noScriptText}</p>
</div></noscript>
<div class="actions" id="actions" hidden>
<a class="button" id="open" href="/">${icon("arrow")}${texts.openInApp}</a>
<button type="button" class="quiet" id="copy">${icon("copy")}${texts.copy}</button>
</div>
<p class="said" id="said" role="status"></p>
</section>
<aside class="card more" id="more">
<div class="scan" id="scan" hidden>
<h2>${texts.qrTitle}</h2>
<div class="qr" id="qr" role="img" aria-label="${texts.qrLabel}"></div>
<p id="scan-text">${texts.qrText}</p>
<p id="scan-too-long" hidden>${texts.qrTooLong}</p>
</div>
<div>
<h2>${texts.appTitle}</h2>
<p>${texts.appText}</p>
<ul class="stores" id="stores">
${STORES.map(
  ({ platform, label, url, icon: name }) =>
    html`<li data-platform="${platform}"><a href="${url}" rel="noreferrer">${icon(name)}${texts[label]}</a></li>`,
)}
</ul>
</div>
</aside>
<details class="privacy">
<summary>${icon("lock")}${texts.privacyTitle}</summary>
<p>${texts.privacyText}</p>
</details>
</main>`,
  })
}

/** The card of a profile, empty. */
function profile(texts: Texts): Html {
  return html`<div class="profile" data-state="profile" role="group" aria-label="${texts.profileLabel}" hidden>
<img class="picture" id="picture" alt="" width="112" height="112" hidden>
<span class="picture initials" id="initials" aria-hidden="true" hidden></span>
<h1 id="name"></h1>
<p class="full-name" id="full-name" hidden></p>
<p class="business" id="business" hidden>${texts.businessAccount}</p>
<p class="about" id="about" hidden></p>
<div class="message" id="message" hidden><h2>${texts.messageTitle}</h2><p id="message-text"></p></div>
<p class="note" id="indirect" hidden>${texts.indirect}</p>
<p class="note" id="unreadable" hidden>${texts.extraUnreadable}</p>
<p class="verified">${icon("check")}<span>${texts.verified}</span></p>
</div>`
}
