/**
 * Snapshot of a draft that can be put back into the very objects it was taken
 * from, so that whoever holds a reference into the draft sees the roll-back.
 * Covers what a draft may hold: plain objects, arrays, primitives.
 */
export type Snapshot =
  | { readonly kind: 'value'; readonly value: unknown }
  | { readonly kind: 'array'; readonly target: unknown[]; readonly items: Snapshot[] }
  | {
      readonly kind: 'object';
      readonly target: Record<string, unknown>;
      readonly members: [string, Snapshot][];
    };

export function takeSnapshot(value: unknown): Snapshot {
  if (Array.isArray(value)) return { kind: 'array', target: value, items: value.map(takeSnapshot) };
  if (typeof value === 'object' && value !== null) {
    const target = value as Record<string, unknown>;
    return {
      kind: 'object',
      target,
      members: Object.entries(target).map(([key, member]) => [key, takeSnapshot(member)]),
    };
  }
  return { kind: 'value', value };
}

/** Puts the content back and returns the value, the same object as before. */
export function restoreSnapshot(snapshot: Snapshot): unknown {
  switch (snapshot.kind) {
    case 'value':
      return snapshot.value;
    case 'array':
      snapshot.target.length = 0;
      for (const item of snapshot.items) snapshot.target.push(restoreSnapshot(item));
      return snapshot.target;
    case 'object':
      for (const key of Object.keys(snapshot.target)) delete snapshot.target[key];
      for (const [key, member] of snapshot.members) {
        const value = restoreSnapshot(member);
        // An own member of this name would otherwise be taken for the prototype.
        if (key === '__proto__') {
          const own = { value, enumerable: true, configurable: true, writable: true };
          Object.defineProperty(snapshot.target, key, own);
        } else snapshot.target[key] = value;
      }
      return snapshot.target;
  }
}
