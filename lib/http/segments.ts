/** The segments of a path, each decoded; undefined where one of them is no UTF-8, and so names nothing. */
export function segmentsOf(path: string): string[] | undefined {
  const segments: string[] = [];
  for (const sent of path.slice(1).split("/")) {
    const segment = decodeSegment(sent);
    if (segment === undefined) return undefined;
    segments.push(segment);
  }
  return segments;
}

/** Undefined for a percent sign that begins no UTF-8, which names nothing. */
export function decodeSegment(segment: string): string | undefined {
  try {
    return decodeURIComponent(segment);
  } catch {
    return undefined;
  }
}
