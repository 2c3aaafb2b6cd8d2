// A file of guests, cut between its records: browsers read no answer before they have sent a
// body, and a whole one would wait for whoever reads its results. Each piece of a CSV file
// has the header line. Records are told apart as the server does it (csv-core).

type Bytes = Uint8Array<ArrayBuffer>;
export type Kind = "text/csv" | "application/x-ndjson";

export interface Piece {
  body: Blob;
  /** What a line of the piece has to be counted on by to be that of the file. */
  before: number;
  /** Where it ends in the file, in bytes. */
  end: number;
}

/** Bytes of a piece, unless one record is longer. */
export const MOST = 32 * 1024;
/** Behind the longest record that the server takes: what is longer is refused by its beginning. */
const LONGEST = 128 * 1024;
/** As far as the server looks for the separator. */
const BEGINNING = 8 * 1024;
const [LF, CR, QUOTE, BRACE] = [10, 13, 34, 123];

/** Bytes of a byte order mark. */
function markOf(bytes: Bytes): number {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
}

/** JSON begins with a brace, which no column does. */
export function kindOf(bytes: Bytes): Kind {
  const first = bytes.subarray(markOf(bytes)).find((byte) => byte > 32);
  return first === BRACE ? "application/x-ndjson" : "text/csv";
}

/** The separator that the header line has. */
function separatorOf(bytes: Bytes): number {
  const beginning = bytes.subarray(markOf(bytes), BEGINNING);
  const end = beginning.indexOf(LF);
  const line = end < 0 ? beginning : beginning.subarray(0, end);
  const signs = [...",;\t"].map((sign) => sign.charCodeAt(0));
  return signs.find((sign) => line.includes(sign)) ?? 44;
}

/** Where a record of CSV ends, with its line end. A quote is one at the beginning of a value. */
function recordEnd(bytes: Bytes, from: number, separator: number): number {
  let [isQuoted, begins] = [false, true];
  for (let at = from; at < bytes.length; at += 1) {
    const byte = bytes[at];
    if (isQuoted) {
      if (byte !== QUOTE) continue;
      if (bytes[at + 1] === QUOTE) at += 1;
      else isQuoted = false;
    } else if (byte === LF || byte === CR) {
      return at + (byte === CR && bytes[at + 1] === LF ? 2 : 1);
    } else {
      isQuoted = begins && byte === QUOTE;
      begins = byte === separator;
    }
  }
  return bytes.length;
}

function lineEnd(bytes: Bytes, from: number): number {
  const at = bytes.indexOf(LF, from);
  return at < 0 ? bytes.length : at + 1;
}

function linesIn(bytes: Bytes): number {
  let count = 0;
  for (let at = bytes.indexOf(LF); at >= 0; at = bytes.indexOf(LF, at + 1)) count += 1;
  return count;
}

/** The header line, with what is before it. */
function headerOf(bytes: Bytes, separator: number): Bytes {
  let from = markOf(bytes);
  while (bytes[from] === LF || bytes[from] === CR) from += 1;
  return bytes.subarray(0, recordEnd(bytes, from, separator));
}

export function* piecesOf(bytes: Bytes, kind: Kind): Generator<Piece> {
  const isCsv = kind === "text/csv";
  const separator = separatorOf(bytes);
  const next = (from: number) => (isCsv ? recordEnd(bytes, from, separator) : lineEnd(bytes, from));
  const header = isCsv ? headerOf(bytes, separator) : bytes.subarray(0, 0);
  const ofHeader = linesIn(header);
  let [from, lines] = [header.length, ofHeader];
  do {
    let end = from;
    while (end < bytes.length) {
      const after = next(end);
      if (end > from && after - from > MOST) break;
      end = after;
    }
    const records = bytes.subarray(from, end);
    yield { body: new Blob([header, records.subarray(0, LONGEST)]), before: lines - ofHeader, end };
    lines += linesIn(records);
    from = end;
  } while (from < bytes.length);
}
