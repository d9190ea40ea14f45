/**
 * Requests of etcd as a transaction takes them. A server limits the operations
 * of a transaction (`--max-txn-ops`), but counts each level of nested ones by
 * itself and adds the levels up; so a long list goes as a tree, and stays one
 * transaction.
 */
import type { ICompare, IRequestOp, IResponseOp } from 'etcd3';

/** Whatever `operations` are, as a list that fits in `budget`. */
export function fold(operations: readonly IRequestOp[], budget: number): IRequestOp[] {
  if (operations.length <= budget) return [...operations];
  const width = Math.floor(budget / 2);
  if (width < 2) throw new RangeError('more operations than a transaction can nest');
  const each = Math.ceil(operations.length / width);
  const groups: IRequestOp[] = [];
  for (let at = 0; at < operations.length; at += each) {
    const success = fold(operations.slice(at, at + each), budget - width);
    groups.push({ request_txn: { success } });
  }
  return groups;
}

/** The answers of folded operations, in the order of the operations. */
export function unfold(responses: readonly IResponseOp[]): IResponseOp[] {
  return responses.flatMap((response) =>
    response.response_txn ? unfold(response.response_txn.responses) : [response],
  );
}

/** That a key has this revision; `0`: that it is absent. */
export function unchanged(key: Buffer, revision: string): ICompare {
  return { target: 'Mod', result: 'Equal', key, mod_revision: revision };
}
