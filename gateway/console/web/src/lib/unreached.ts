/**
 * Whether the gateway that served this page does not answer at one of its addresses:
 * nothing does, or a proxy that says so in its place (502, 503, 504).
 */
export async function unreached(path: string): Promise<boolean> {
  try {
    const { status } = await fetch(path, { method: "HEAD", cache: "no-store" });
    return status === 502 || status === 503 || status === 504;
  } catch {
    return true;
  }
}
