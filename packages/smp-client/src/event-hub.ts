/** Takes a listener off again; harmless when it already is. */
export type Unsubscribe = () => void

/** The member of a union of events that has this `type`. */
export type EventOf<E extends { readonly type: string }, T extends E["type"]> = Extract<E, { readonly type: T }>

/** Options of {@link EventHub.once} and {@link EventHub.stream}. */
export interface ListenOptions {
  /** Ends the wait: `once` rejects with its reason, a stream just ends. */
  readonly signal?: AbortSignal | undefined
}

/** Options of {@link EventHub.stream}. */
export interface StreamOptions extends ListenOptions {
  /**
   * Events kept for a reader that lags, default 65536. A relay sends at most one unacknowledged message for each
   * subscribed queue, so only a reader that has stopped for good gets there: its stream then throws.
   */
  readonly limit?: number | undefined
}

/**
 * Hands typed events to any number of listeners, in the order in which they were added. A listener that throws does
 * not keep the others from being called: its error surfaces as an uncaught exception of the process, as it would in
 * any other callback.
 */
export class EventHub<E extends { readonly type: string }> {
  readonly #byType = new Map<string, Set<(event: E) => void>>()
  readonly #all = new Set<(event: E) => void>()
  readonly #last: E["type"]
  readonly #reasonOf: (last: E) => unknown

  /**
   * `last` is the type of the event after which no more will come: it ends streams, and who waits for another event gets
   * the reason that it gives.
   */
  constructor(last: E["type"], reasonOf: (last: E) => unknown) {
    this.#last = last
    this.#reasonOf = reasonOf
  }

  /** Calls `listener` for each event of one type. */
  on<T extends E["type"]>(type: T, listener: (event: EventOf<E, T>) => void): Unsubscribe {
    const listeners = this.#byType.get(type) ?? new Set()
    this.#byType.set(type, listeners)
    // A wrapper, so that a function added twice is called twice and removed once. The type tag proves the cast.
    const entry = (event: E): void => listener(event as EventOf<E, T>)
    listeners.add(entry)
    return () => void listeners.delete(entry)
  }

  /** Calls `listener` for every event. */
  onAny(listener: (event: E) => void): Unsubscribe {
    const entry = (event: E): void => listener(event)
    this.#all.add(entry)
    return () => void this.#all.delete(entry)
  }

  /** The next event of this type; rejects if the last event comes before it. */
  once<T extends E["type"]>(type: T, { signal }: ListenOptions = {}): Promise<EventOf<E, T>> {
    const next = new Promise<EventOf<E, T>>((resolve, reject) => {
      const onAbort = (): void => settle(() => reject(signal?.reason))
      const stop = this.onAny((event) => {
        if (event.type === type) settle(() => resolve(event as EventOf<E, T>))
        else if (event.type === this.#last) settle(() => reject(this.#reasonOf(event)))
      })
      const settle = (settled: () => void): void => {
        stop()
        signal?.removeEventListener("abort", onAbort)
        settled()
      }
      if (signal?.aborted) onAbort()
      else signal?.addEventListener("abort", onAbort, { once: true })
    })
    // Whoever awaits it hears of the rejection; a promise that was only made in advance must not end the process.
    next.catch(() => undefined)
    return next
  }

  /**
   * All events from now on as an async iterator, up to and including the last one. Listening starts with this call,
   * not with the first `next()`, and goes on until the iterator ends or the signal is aborted.
   */
  stream({ signal, limit = 65_536 }: StreamOptions = {}): AsyncGenerator<E, void, undefined> {
    const waiting: E[] = []
    let wake = (): void => undefined
    let overflow = false
    const stop = this.onAny((event) => {
      if (waiting.length < limit) waiting.push(event)
      else overflow = true
      wake()
    })
    const onAbort = (): void => {
      stop()
      wake()
    }
    signal?.addEventListener("abort", onAbort, { once: true })
    const last = this.#last
    async function* read(): AsyncGenerator<E, void, undefined> {
      try {
        while (!signal?.aborted) {
          const event = waiting.shift()
          if (event !== undefined) {
            yield event
            if (event.type === last) return
          } else if (overflow) throw new RangeError("event stream: the reader lags too far behind")
          else await new Promise<void>((resolve) => (wake = resolve))
        }
      } finally {
        stop()
        signal?.removeEventListener("abort", onAbort)
      }
    }
    return read()
  }

  /** Delivers one event. */
  emit(event: E): void {
    const listeners = this.#byType.get(event.type)
    if (listeners !== undefined) for (const listener of listeners) call(listener, event)
    for (const listener of this.#all) call(listener, event)
  }
}

function call<E>(listener: (event: E) => void, event: E): void {
  try {
    listener(event)
  } catch (error) {
    queueMicrotask(() => {
      throw error
    })
  }
}
