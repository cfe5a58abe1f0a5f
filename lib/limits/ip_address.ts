/**
 * An IP address as sixteen bit groups: eight of IPv6, two of IPv4. An IPv4 address that is written as
 * an IPv6 one, as a server that listens to both sees it, is an IPv4 one.
 */
export type IpAddress = readonly number[];

const MAPPED = [0, 0, 0, 0, 0, 0xffff];

/**
 * Reads what a server or a proxy writes: an address, with a port behind it or not, IPv6 in brackets or
 * not. Undefined for anything else.
 *
 * @see https://www.rfc-editor.org/rfc/rfc4291#section-2.2
 */
export function parseAddress(text: string): IpAddress | undefined {
  const v4 = /^(\d{1,3}(?:\.\d{1,3}){3})(?::\d+)?$/.exec(text)?.[1];
  if (v4 !== undefined) return parseV4(v4);
  const v6 = /^\[([0-9a-f:.]+)(?:%[\w.-]+)?\](?::\d+)?$/i.exec(text)?.[1];
  const groups = parseV6(v6 ?? text.replace(/%[\w.-]+$/, ""));
  const isMapped = groups !== undefined && MAPPED.every((group, index) => group === groups[index]);
  return isMapped ? groups.slice(6) : groups;
}

/** One text for what is counted as one client: an IPv4 address, or a /64 of IPv6, which one customer has. */
export function keyOf(address: IpAddress): string {
  if (address.length === 2) return formatV4(address);
  const network = address.slice(0, 4).map((group) => group.toString(16));
  return `${network.join(":")}::/64`;
}

/** A network such as `10.0.0.0/8`, or one address. */
export class IpNetwork {
  readonly #base: IpAddress;
  readonly #bits: number;

  /** @throws {TypeError} for what is neither. */
  constructor(text: string) {
    const [, address = "", bits] = /^([^/]*)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
    // With a port, or in brackets, it is no network.
    const base = /[[\]%]|\.\d+:/.test(address) ? undefined : parseAddress(address);
    const width = (base?.length ?? 0) * 16;
    const size = bits === undefined ? width : Number(bits);
    if (base === undefined || size > width) {
      throw new TypeError(`"${text}" is neither an address nor a network such as "10.0.0.0/8"`);
    }
    this.#base = base;
    this.#bits = size;
  }

  has(address: IpAddress): boolean {
    if (address.length !== this.#base.length) return false;
    return this.#base.every((group, index) => {
      const bits = Math.min(16, Math.max(0, this.#bits - index * 16));
      const mask = (0xffff << (16 - bits)) & 0xffff;
      return (group & mask) === ((address[index] ?? 0) & mask);
    });
  }
}

function parseV4(text: string): IpAddress | undefined {
  const bytes = text.split(".").map(Number);
  if (bytes.some((byte) => byte > 255)) return undefined;
  const [a = 0, b = 0, c = 0, d = 0] = bytes;
  return [a * 256 + b, c * 256 + d];
}

function formatV4([high = 0, low = 0]: IpAddress): string {
  return `${high >> 8}.${high & 0xff}.${low >> 8}.${low & 0xff}`;
}

function parseV6(text: string): IpAddress | undefined {
  // The URL parser knows every way to write one, and writes them all one way.
  if (!text.includes(":") || !/^[0-9a-f:.]{2,45}$/i.test(text)) return undefined;
  const url = URL.parse(`http://[${text}]`);
  if (url === null) return undefined;
  const [head = "", tail] = url.hostname.slice(1, -1).split("::");
  const groups = (part: string) =>
    part === "" ? [] : part.split(":").map((g) => Number(`0x${g}`));
  const before = groups(head);
  const after = groups(tail ?? "");
  return [...before, ...Array(8 - before.length - after.length).fill(0), ...after];
}
