import { DecodeError } from "@sluice/encoding/errors"
import { pushTarget } from "@sluice/notifications/push/push-target"
import { type DeviceToken, isUsableToken, parseDeviceToken, pushTagOf } from "@sluice/ntf-protocol/device-token"
import { OperatorError } from "@sluice/ops/operator-error"
import { type OpenedProviders, openProviders } from "@sluice/push/open-providers"
import type { PushOutcome } from "@sluice/push/provider"
import { WebPushProvider } from "@sluice/push/web-push-provider"
import { printData, printJson, say } from "../output.ts"
import { type GlobalOptions, loadSettings, placeOf } from "../place.ts"

/** Options of `sluice notifications test-push`. */
export interface TestPushOptions extends GlobalOptions {
  readonly json?: true
}

/** What a push to a token that is nobody's tells: a service that calls it bad has taken the credentials. */
const NOBODY: Readonly<Record<string, string>> = { apns: "00".repeat(32), fcm: "sluice-test-push" }

interface Answer {
  readonly status: number
  readonly reason: string
}

/**
 * `sluice notifications test-push`: sends one push that wakes the app up, or, without a token, one that the service must
 * refuse for its token alone. Exit code 0 if the credentials are taken, and the token, if there is one.
 */
export async function testPush(name: string, text: string | undefined, options: TestPushOptions): Promise<number> {
  const place = placeOf(options)
  const { push } = loadSettings(place).config
  let answer: Answer | undefined
  const onAnswer = (status: number, reason: string): void => {
    answer = { status, reason }
  }
  const providers = await openProviders(push, { folder: place.dataFolder, onAnswer })
  try {
    const device = deviceToken(name, text, providers)
    const provider = [...providers].find(([configured]) => configured === name)?.[1]
    if (provider === undefined) throw notConfigured(name, providers)
    const target = pushTarget(device)
    const outcome = await provider.deliver(target, { kind: "check-messages" }, new AbortController().signal)
    return report(outcome, { name, answer, withToken: text !== undefined, json: options.json === true })
  } finally {
    await Promise.all([...providers.values()].map((provider) => provider.close()))
  }
}

function deviceToken(name: string, text: string | undefined, providers: OpenedProviders): DeviceToken {
  const tag = pushTagOf(name)
  if (tag === undefined || tag === "AN") throw notConfigured(name, providers)
  const family = name.split("_")[0] ?? ""
  const token = text ?? NOBODY[family]
  if (token === undefined) throw new OperatorError(`${name} needs a token: ${webPushHint(name, providers)}`)
  try {
    const device = parseDeviceToken(`${name} ${token}`)
    if (isUsableToken(device)) return device
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error
  }
  // The token is a phone's: it is not repeated.
  throw new OperatorError(`the token is not one of ${name}; allowed: the text that the app has, without the name`)
}

function webPushHint(name: string, providers: OpenedProviders): string {
  const provider = [...providers].find(([configured]) => configured === name)?.[1]
  const key = provider instanceof WebPushProvider ? `; the key to subscribe with is ${provider.publicKey}` : ""
  return `a device's subscription as base64url${key}`
}

function notConfigured(name: string, providers: OpenedProviders): OperatorError {
  const names = [...providers.keys()].join(", ")
  const have = names === "" ? "none is: set [push.apns], [push.fcm] or [push.web]" : `allowed: ${names}`
  return new OperatorError(`${JSON.stringify(name)} is not a push service that is configured; ${have}`)
}

interface Circumstances {
  readonly name: string
  readonly answer: Answer | undefined
  readonly withToken: boolean
  readonly json: boolean
}

function report(outcome: PushOutcome, { name, answer, withToken, json }: Circumstances): number {
  const refusedToken = outcome.outcome === "token-invalid"
  const good = outcome.outcome === "delivered" || (refusedToken && !withToken)
  const result = refusedToken && !withToken ? "credentials accepted" : outcome.outcome
  if (json) {
    printJson({ service: name, result, ...outcome, ...(answer && { answer }) })
    return good ? 0 : 1
  }
  printData(result)
  say(explain(outcome, withToken))
  if (answer !== undefined) say(`${name} answered ${answer.status}${answer.reason && ` ${answer.reason}`}.`)
  return good ? 0 : 1
}

function explain(outcome: PushOutcome, withToken: boolean): string {
  switch (outcome.outcome) {
    case "delivered":
      return "The service has the push; the app should wake up."
    case "token-invalid":
      return withToken
        ? `The service takes the credentials, but not this token (${outcome.reason}).`
        : "The service takes the credentials: what it refused is only the made-up token."
    case "retry":
      return outcome.cause === "credentials"
        ? "The service does not take the credentials; is this machine's clock right?"
        : `No answer that means anything (${outcome.cause}); a server would try again.`
    case "failed":
      return outcome.cause === "configuration"
        ? "The service does not take the credentials, or not for this app."
        : `The service refused the push (${outcome.cause}).`
  }
}
