// The one function that is used of a library without types of its own.
declare module "qrcode" {
  /** Encodes a text; `get` gives 1 for dark modules. */
  export function create(
    text: string,
    options: { readonly errorCorrectionLevel: "L" | "M" | "Q" | "H" },
  ): { readonly modules: { readonly size: number; get(row: number, column: number): number } }
}
