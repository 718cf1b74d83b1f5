import { Html, html } from "./html.ts"

/** Drawn here, 24 by 24, in the colour of the text around them. */
const PATHS = {
  person: "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8Zm-7.5 8a7.5 7.5 0 0 1 15 0",
  group:
    "M9 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7Zm-6.5 8.5a6.5 6.5 0 0 1 13 0M16 4.4a3.5 3.5 0 0 1 0 6.2m2.2 4a6.5 6.5 0 0 1 3.3 4.9",
  channel: "M4 10v4a1 1 0 0 0 1 1h2l8 4V5L7 9H5a1 1 0 0 0-1 1Zm14.5-1a4.5 4.5 0 0 1 0 6M8 15v4",
  relay: "M5 4h14v6H5zM5 14h14v6H5zM8.5 7h.01M8.5 17h.01M12 7h4M12 17h4",
  ticket: "M4 8V6h16v2a4 4 0 0 0 0 8v2H4v-2a4 4 0 0 0 0-8Zm10-2v2m0 3v2m0 3v2",
  check: "M5 12.5 10 17.5 19.5 7",
  question: "M8 8.5a4 4 0 1 1 6 3.5c-1.2.7-2 1.6-2 3.2m0 3.8h.01",
  warning: "M12 4 2.8 20h18.4L12 4Zm0 6v4.5m0 2.8h.01",
  copy: "M9 9V5h10v10h-4M5 9h10v10H5z",
  arrow: "M7 17 17 7M9 7h8v8",
  lock: "M6 11h12v9H6zM8.5 11V8a3.5 3.5 0 0 1 7 0v3",
  apple:
    "M16.5 13c0-2.2 1.8-3.2 1.9-3.3-1-1.5-2.6-1.7-3.2-1.7-1.4-.1-2.6.8-3.3.8-.7 0-1.7-.8-2.9-.8C6.400 8 4.500 9.800 4.500 13c0 3.500 2.500 8 4.500 8 1.100 0 1.600-.8 3-.8s1.800.8 3 .8c1.700 0 3-2.300 3.700-4.300-1.400-.6-2.200-2-2.200-3.700ZM14.300 6.100c.6-.8 1-1.800.9-2.900-.9 0-2 .6-2.600 1.400-.6.7-1.100 1.700-.9 2.700",
  android: "M5 17v-2a7 7 0 0 1 14 0v2zM7.500 9.500 5.800 6.800m10.700 2.700 1.700-2.700M9.500 13.500h.01m5 0h.01",
  desktop: "M3.500 5h17v11h-17zM9 20h6m-3-4v4",
} as const

/** Names of the icons. */
export type IconName = keyof typeof PATHS

/** An icon beside a text that says the same, so hidden from screen readers. */
export function icon(name: IconName): Html {
  return html`<svg class="icon" viewBox="0 0 24 24" aria-hidden="true"><path d="${PATHS[name]}"/></svg>`
}

/** The icon of the site itself, as a file. */
export const SITE_ICON: Html = new Html(
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="8" fill="#1d5c63"/>' +
    '<path d="M13 19l6-6M11 16l-2 2a4 4 0 0 0 5.600 5.600l2-2M21 16l2-2a4 4 0 0 0-5.600-5.600l-2 2" fill="none" stroke="#fff" stroke-width="2.400" stroke-linecap="round"/></svg>',
)
