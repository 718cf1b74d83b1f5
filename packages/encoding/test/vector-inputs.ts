/** Inputs of the project's own vectors, see `make-vectors.ts`. Some of them are also in the reference's files. */

export const primitives: readonly (readonly [type: string, value: unknown])[] = [
  ["word16", 20],
  ["word16", 65535],
  ["word32", 65536],
  ["word32", 3735928559],
  ["int64", "1234567890123456789"],
  ["int64", "-1"],
  ["int64", "-9223372036854775808"],
  ["systemTime", "1641032645"],
  ["systemTime", "-1"],
  ["bool", true],
  ["bool", false],
  ["char", "41"],
  ["bytes", ""],
  ["bytes", "68656c6c6f"],
  ["large", ""],
  ["large", "68656c6c6f"],
  ["large", { repeat: "7a", length: 300 }],
  ["tail", "b8"],
  ["text", "hello"],
  ["text", "é"],
  ["text", "\ufeff𝄞"],
  ["string8", "35323233"],
  ["maybe(bytes)", null],
  ["maybe(bytes)", "68656c6c6f"],
  ["maybe(maybe(bool))", [null]],
  ["nonEmpty(word16)", [6, 20]],
  ["list(word16)", []],
  ["nonEmpty(bool)", { repeat: true, length: 255 }],
  ["tuple(bool,bytes,maybe(large),word32,tail)", [true, "01", null, 7, "0203"]],
  ["nonce24", "000102030405060708090a0b0c0d0e0f1011121314151617"],
  ["subscriptionMode", "subscribe"],
  ["queueMode", "contact"],
  ["msgFlags", true],
]

export const decode: readonly (readonly [type: string, hex: string])[] = [
  ["bool", "74"],
  ["bool", "5454"],
  ["word16", "01"],
  ["word32", "01020304"],
  ["int64", "fffffffffffffffe"],
  ["bytes", "0561626364"],
  ["bytes", "0461626364"],
  ["large", "05"],
  ["text", "02c328"],
  ["text", "03eda080"],
  ["text", "03efbbbf"],
  ["maybe(bytes)", "320161"],
  ["maybe(bytes)", "31"],
  ["nonEmpty(word16)", "00"],
  ["nonEmpty(word16)", "020001"],
  ["list(word16)", "00"],
  ["nonce24", "00"],
  ["subscriptionMode", "58"],
  ["queueMode", "54"],
  ["msgFlags", "54616263313233"],
  ["basicAuth", "0470347373"],
  ["basicAuth", "03614062"],
]

export const padding: readonly (readonly [message: string, paddedLength: number])[] = [
  ["68656c6c6f", 16],
  ["", 4],
  ["", 2],
  ["", 1],
  ["616263646566", 8],
  ["61626364656667", 8],
]

export const padded: readonly string[] = ["000568656c6c6f232323", "0000", "000668656c6c6f", "00", ""]

export const base64Bytes: readonly string[] = ["", "61", "6162", "616263", "fbffbf", "0001020304"]

export const base64Texts: readonly string[] = [
  "YQ==",
  "YQ",
  "YQ=",
  "YWI==",
  "YWJj=",
  "Y",
  "",
  "+/+/",
  "YR==",
  "YW Jj",
  "YQ==YQ==",
  "AAECAwQ",
]

export const strings: readonly (readonly [type: string, value: unknown])[] = [
  ["bool", true],
  ["word16", 5223],
  ["int64", "-12"],
  ["maybe(word16)", null],
  ["nonEmpty(word16)", [1, 2]],
  ["tuple(bytes,word16)", ["e177b74fa8", 9]],
  ["systemTime", "1641032645"],
  ["utcTime", "1641032645"],
  ["utcTime", "1641032645.123456789"],
]

export const stringTexts: readonly (readonly [type: string, input: string])[] = [
  ["word16", "05223"],
  ["word16", "-1"],
  ["word16", ""],
  ["int64", "+5"],
  ["int64", "9223372036854775807"],
  ["maybe(word16)", ""],
  ["nonEmpty(word16)", "1,2,"],
  ["list(word16)", "1,2"],
  ["utcTime", "2022-01-01T10:24:05.25Z"],
  ["utcTime", "2022-01-01T10:24:05"],
  ["utcTime", "2022-02-30T10:24:05Z"],
]

export const ranges: readonly (readonly [number, number])[] = [
  [6, 18],
  [6, 6],
  [7, 9],
  [18, 20],
]

export const rangeBytes: readonly string[] = ["00070006", "000700", "00060012"]

export const rangeTexts: readonly string[] = ["4", "1-4", "4-4", "4-1", "4-", "1 - 4", "06-9"]

export const caps: readonly number[] = [5, 6, 8, 19]

export const hosts: readonly string[] = [
  "127.0.0.1",
  "192.168.0.0.1",
  "192.168.1",
  "192.256.0.1",
  "1.2.3.300",
  "::1",
  "[2001:db8::1]",
  "[::ffff:1.2.3.4]",
  "::1:5223",
  "1:0:0:2:0:0:0:3",
  "1:2:3:4:5:6:7::",
  "1:2:3:4:5:6:7:8::",
  "[1.2.3.4]",
  "[simplex.example]",
  "smp.example.org",
  "abc234.onion",
  "UPPER.onion",
  "abc.onion.org",
  "host:1",
  "",
]

export const hostBytes: readonly string[] = ["096c6f63616c686f7374", "0b6c6f63616c686f73743a31", "00"]

const KEY_HASH = "11".repeat(32)

export const servers: readonly (readonly [
  scheme: "smp" | "ntf" | "xftp",
  hosts: readonly string[],
  port: string,
  keyHash: string,
  password: string | null,
])[] = [
  ["smp", ["smp1.example.org"], "5223", KEY_HASH, null],
  ["smp", ["smp1.example.org", "abc234.onion"], "5223", KEY_HASH, "p4ss"],
  ["ntf", ["10.0.0.1"], "", KEY_HASH, null],
  ["xftp", ["2001:db8::1"], "443", KEY_HASH, null],
  // The same as one of the reference's.
  ["smp", ["smp.example.org"], "", "e8f2e865faa973911a2300905e5041ace30060f69a53cfcffc9aaa165b501b80", null],
]

const ADDRESS = "smp://ERERERERERERERERERERERERERERERERERERERERERE="
const REFERENCE_ADDRESS = "smp://6PLoZfqpc5EaIwCQXlBBrOMAYPaaU8_P_JqqFltQG4A="

export const addresses: readonly string[] = [
  `${ADDRESS}@smp1.example.org:5223`,
  `${ADDRESS}:p4ss@smp1.example.org,abc234.onion`,
  `${ADDRESS}:p@ss@smp1.example.org`,
  `${ADDRESS}:@smp1.example.org`,
  `${ADDRESS}@smp1.example.org:`,
  `${ADDRESS}@`,
  `${ADDRESS}`,
  `${REFERENCE_ADDRESS}@smp.example.org:05223`,
  `${REFERENCE_ADDRESS}:p4ss@smp.example.org`,
  `${REFERENCE_ADDRESS}@[::1]:5223`,
  `${REFERENCE_ADDRESS}@::1:5223`,
  "smp://@smp.example.org",
  "http://ERERERERERERERERERERERERERERERERERERERERERE=@smp1.example.org",
]

export const serverBytes: readonly string[] = [
  `0110736d70312e6578616d706c652e6f7267043532323320${KEY_HASH}`,
  "00043532323300",
  "0109612e6578616d706c65013103616263",
]
