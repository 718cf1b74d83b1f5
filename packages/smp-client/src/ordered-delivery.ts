/**
 * Delivers what a connection receives in its order, with one promise to callers: everything that waits for a response
 * has run before the event behind that response is delivered.
 *
 * Settling a promise only queues its reactions, and an `await` through several functions takes several rounds of the
 * microtask queue. An event behind a response therefore waits for a new turn of the event loop, before which Node
 * empties that queue. Without a response before them, events are delivered at once.
 */
export class OrderedDelivery {
  /** Deliveries put off to a later turn. */
  #waiting = 0
  /** A response was delivered in this turn. */
  #responded = false

  /** Delivers a response: `run` settles the promise of a command. */
  response(run: () => void): void {
    if (this.#waiting > 0) {
      this.#later(run)
      return
    }
    if (!this.#responded) {
      this.#responded = true
      setImmediate(() => {
        this.#responded = false
      })
    }
    run()
  }

  /** Delivers an event: `run` calls its listeners. */
  event(run: () => void): void {
    if (this.#waiting > 0 || this.#responded) this.#later(run)
    else run()
  }

  #later(run: () => void): void {
    this.#waiting++
    // Each delivery has an immediate of its own: Node runs them in order and empties the microtask queue in between.
    setImmediate(() => {
      this.#waiting--
      run()
    })
  }
}
