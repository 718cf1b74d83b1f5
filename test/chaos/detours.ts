import { CuttableProxy } from "./cuttable-proxy.ts"

/** The ways of one node to the servers of a Redis Cluster, each through a proxy of its own that can be cut. */
export class Detours implements AsyncDisposable {
  readonly #proxies: ReadonlyMap<number, CuttableProxy>

  private constructor(proxies: ReadonlyMap<number, CuttableProxy>) {
    this.#proxies = proxies
  }

  /** @param ports where the servers listen, and say that they do */
  static async to(ports: readonly number[]): Promise<Detours> {
    return new Detours(
      new Map(await Promise.all(ports.map(async (port) => [port, await CuttableProxy.to(port)] as const))),
    )
  }

  /** Where the node finds each of the servers, in the order of their ports. */
  get nodes(): string[] {
    return [...this.#proxies.values()].map(({ port }) => `127.0.0.1:${port}`)
  }

  /** What the node has to know because servers tell each other's own ports: `redis.nat_map`. */
  get natMap(): string[] {
    return [...this.#proxies].map(([port, proxy]) => `127.0.0.1:${port}=127.0.0.1:${proxy.port}`)
  }

  /** To all servers, or to one. */
  cut(server?: number): void {
    for (const proxy of this.#some(server)) proxy.cut()
  }

  mend(server?: number): void {
    for (const proxy of this.#some(server)) proxy.mend()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#some().map((proxy) => proxy[Symbol.asyncDispose]()))
  }

  #some(server?: number): readonly CuttableProxy[] {
    const all = [...this.#proxies.values()]
    return server === undefined ? all : all.slice(server, server + 1)
  }
}
