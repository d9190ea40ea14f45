/** Bodies that are wanted in one piece: of requests, and of answers that came as a whole or still arrive. */

/** A body as an app, a peer or an endpoint answers it. */
export interface ArrivingBody {
  readonly body: AsyncIterable<Uint8Array>;
  /** Takes the body at once where all of it has arrived; `body` is not to be read then. */
  readonly whole?: (() => Uint8Array | undefined) | undefined;
}

/** All of a body, copied only where it came in several pieces. */
export async function bytesOf(body: AsyncIterable<Uint8Array> | Uint8Array): Promise<Uint8Array> {
  if (body instanceof Uint8Array) return body;
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
}

/** All of an answer's body. */
export async function bytesOfAnswer(answer: ArrivingBody): Promise<Uint8Array> {
  return answer.whole?.() ?? bytesOf(answer.body);
}

/** Reads an answer that nobody wants to its end, so that its connection is free again. */
export async function drain(answer: ArrivingBody): Promise<void> {
  if (answer.whole?.()) return;
  for await (const _chunk of answer.body);
}
