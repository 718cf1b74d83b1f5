import { printData } from "../output.ts"
import { type GlobalOptions, loadSettings, placeOf } from "../place.ts"
import { localAddress } from "../relay-address.ts"

/** `sluice address`: the address alone on one line. */
export async function address(options: GlobalOptions & { readonly password: boolean }): Promise<void> {
  const place = placeOf(options)
  printData(await localAddress(place, loadSettings(place), options.password))
}
