// What the relay answers to administrators, as lines for people.
import { columns } from "../output.ts"

type Json = Readonly<Record<string, unknown>>

/** A property that is an object; empty when there is none. */
function part(of: Json, name: string): Json {
  const value = of[name]
  return typeof value === "object" && value !== null ? (value as Json) : {}
}

/** `sluice admin stats`: figures that are not 0, of the day and since the start. */
export function statisticsLines(body: Json): string {
  const { day } = body
  const [today, sinceStart, services] = [part(body, "today"), part(body, "sinceStart"), part(body, "services")]
  const rows: (readonly [string, string])[] = [["day", String(day)]]
  for (const [name, value] of Object.entries(part(body, "stored"))) rows.push([`stored.${name}`, String(value)])
  for (const kind of ["activeQueues", "activeQueuesWithNotifications"]) {
    const { day: daily, week, month } = part(body, kind)
    rows.push([kind, `${daily} this day, ${week} this week, ${month} this month`])
  }
  for (const group of Object.keys(sinceStart)) {
    const [ofDay, all] = [part(today, group), part(sinceStart, group)]
    for (const name of Object.keys(all)) {
      if (ofDay[name] === 0 && all[name] === 0) continue
      rows.push([
        group === "relay" ? name : `${group}.${name}`,
        `${ofDay[name]} this day, ${all[name]} since the start`,
      ])
    }
  }
  for (const group of Object.keys(services)) {
    for (const [name, value] of Object.entries(part(services, group))) {
      if (value !== 0) rows.push([`${group}.${name}`, String(value)])
    }
  }
  return columns(rows)
}

/** `sluice admin sessions` */
export function sessionLines(body: Json): string {
  const subscriptions = part(body, "subscriptions")
  const [messages, notifications] = [part(subscriptions, "messages"), part(subscriptions, "notifications")]
  const subscribed = ({ queues, services, serviceQueues }: Json): string =>
    `${queues} queues; ${services} services with ${serviceQueues} queues`
  return columns([
    ...Object.entries(part(body, "sessions")).map(([kind, count]) => [`sessions.${kind}`, String(count)] as const),
    ["messages", subscribed(messages)],
    ["notifications", subscribed(notifications)],
  ])
}

/** `sluice admin queue` */
export function queueLines(body: Json): string {
  const { messages: ofMessages, notifications: ofNotifications } = part(body, "service")
  const { status, mode, secured, created, lastUse, messages, bytes, linkBytes, notifier, subscribed } = body
  const yes = (value: unknown): string => (value === true ? "yes" : "no")
  return columns([
    ["status", status === "blocked" ? `blocked: ${blockText(part(body, "block"))}` : String(status)],
    ["mode", String(mode)],
    ["secured", yes(secured)],
    ["created", String(created ?? "unknown")],
    ["last use", String(lastUse)],
    ["messages", `${messages} (${bytes} bytes)`],
    ["link data", linkBytes === undefined ? "none" : `${linkBytes} bytes`],
    ["notifier", yes(notifier)],
    ["service", `${yes(ofMessages)} for messages, ${yes(ofNotifications)} for notifications`],
    ["subscribed", yes(subscribed)],
  ])
}

/** Why a queue is blocked, and for how long clients tell so. */
export function blockText({ reason, notice, suspended }: Json): string {
  const told = notice === undefined ? "" : `, clients tell so ${noticeText(notice as Json)}`
  return `${reason}${told}${suspended === true ? ", suspended before" : ""}`
}

function noticeText({ ttl }: Json): string {
  return ttl === undefined ? "for ever" : `for ${ttl} s`
}
