/** Ranges of keys in etcd, which orders them by byte. */

/** The first key behind all that begin with `prefix`, for `range_end`. UTF-8 has no byte of 255, so adding one is enough. */
export function endOfPrefix(prefix: Buffer): Buffer {
  const end = Buffer.from(prefix);
  end[end.length - 1]! += 1;
  return end;
}

/** The first key behind `key` itself. */
export function behind(key: Buffer): Buffer {
  return Buffer.concat([key, Buffer.from([0])]);
}
