/** A program, or a part of one, that runs until it is told to stop. */
export interface Service {
  /**
   * Resolves when it is at work. When `signal` aborts, the process has been told to stop: give up and clean up.
   * A start that fails has cleaned up behind itself.
   */
  start(signal: AbortSignal): Promise<void>
  /**
   * Finishes and flushes what was begun, then resolves. When `deadline` aborts, no time is left: drop the rest.
   * Can be called twice.
   */
  stop(deadline: AbortSignal): Promise<void>
  /** Takes over what can change while running: certificates, log level. */
  reload?(): Promise<void>
}

/**
 * Several services as one: started in order, stopped in reverse order. If one does not start, those before it are stopped.
 * On stop and reload every service gets its turn, whatever happens to the others; the first failure is then thrown.
 */
export function composeServices(services: readonly Service[]): Service {
  return {
    async start(signal) {
      for (const [index, service] of services.entries()) {
        try {
          signal.throwIfAborted()
          await service.start(signal)
        } catch (error) {
          const started = services.slice(0, index).toReversed()
          await inTurn(started, (earlier) => earlier.stop(AbortSignal.abort())).catch((other: unknown) => {
            throw new AggregateError([error, other], "a service did not start, and another did not stop after it")
          })
          throw error
        }
      }
    },
    stop: (deadline) => inTurn(services.toReversed(), (service) => service.stop(deadline)),
    reload: () => inTurn(services, (service) => service.reload?.()),
  }
}

async function inTurn(services: readonly Service[], action: (s: Service) => Promise<void> | undefined): Promise<void> {
  const failures: unknown[] = []
  for (const service of services) {
    try {
      await action(service)
    } catch (error) {
      failures.push(error)
    }
  }
  if (failures.length > 0) throw failures[0]
}

/** A service that its owner may also start and stop without a signal, and dispose of. */
export interface OwnedService extends Service, AsyncDisposable {
  start(signal?: AbortSignal): Promise<void>
  stop(deadline?: AbortSignal): Promise<void>
}

/**
 * A service of two steps. `stop` is called once however often the service is told to stop, and with an aborted signal when
 * `start` fails or the service is disposed of: it has to do with everything that `start` may have begun.
 */
export function ownedService({ start, stop }: Pick<Service, "start" | "stop">): OwnedService {
  let stopped: Promise<void> | undefined
  const stopOnce = (deadline: AbortSignal): Promise<void> => {
    stopped ??= stop(deadline)
    return stopped
  }
  return {
    async start(signal = NEVER) {
      try {
        await start(signal)
      } catch (error) {
        await stopOnce(AbortSignal.abort())
        throw error
      }
    },
    stop: (deadline = NEVER) => stopOnce(deadline),
    [Symbol.asyncDispose]: () => stopOnce(AbortSignal.abort()),
  }
}

const NEVER: AbortSignal = new AbortController().signal
