import type { TextKey } from "./texts/en.ts"

/** How bad a state is: what happens next, something that is missing, or a reason not to connect. */
export type Tone = "neutral" | "problem" | "danger"

interface State {
  readonly tone: Tone
  /** A button to ask again makes sense. */
  readonly retry?: true
  /** The link is of no use, or of harm: nothing to open, copy or install. */
  readonly dead?: true
}

/**
 * What a page for a link can say instead of showing a profile. All of them are in the page from the start, hidden; the
 * script chooses one. Each has two texts, `<name>Title` and `<name>Text`.
 */
export const STATES = {
  loading: { tone: "neutral" },
  oneTime: { tone: "neutral" },
  fullLink: { tone: "neutral" },
  previewOff: { tone: "neutral" },
  noLink: { tone: "problem", dead: true },
  brokenLink: { tone: "problem", dead: true },
  notFound: { tone: "problem", dead: true },
  notAllowed: { tone: "problem" },
  otherServer: { tone: "problem" },
  relayDown: { tone: "problem", retry: true },
  relayRefused: { tone: "problem", retry: true },
  rateLimited: { tone: "problem", retry: true },
  busy: { tone: "problem", retry: true },
  offline: { tone: "problem", retry: true },
  malformed: { tone: "problem" },
  wrongKey: { tone: "danger", dead: true },
  tampered: { tone: "danger", dead: true },
  otherData: { tone: "danger", dead: true },
  forged: { tone: "danger", dead: true },
  badOwners: { tone: "danger", dead: true },
  otherQueue: { tone: "danger", dead: true },
} as const satisfies Readonly<Record<string, State>>

/** A state by its name. */
export type StateName = keyof typeof STATES

/** The states with their texts, in order. */
export const STATE_LIST: readonly (State & {
  readonly name: StateName
  readonly title: TextKey
  readonly text: TextKey
})[] = (Object.entries(STATES) as [StateName, State][]).map(([name, state]) => ({
  ...state,
  name,
  title: `${name}Title` as const,
  text: `${name}Text` as const,
}))
