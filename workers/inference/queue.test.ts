import { expect, test } from 'vitest';
import { RequestQueue, type Waiting } from './queue.ts';

function waiting(onLook = (): void => {}): Waiting {
  let state: Waiting['state'] = 'waiting';
  return {
    rows: 1,
    data: [],
    priority: 1,
    deadline: Infinity,
    since: 0,
    get state() {
      onLook();
      return state;
    },
    set state(next) {
      state = next;
    },
    resolve() {},
    reject() {},
    release: undefined,
    revoke: undefined,
  };
}

function giveUp(queue: RequestQueue, entry: Waiting): void {
  entry.state = 'answered';
  queue.leave(entry);
}

test('holds few of the requests that were given up behind one that waits', () => {
  const queue = new RequestQueue(1);
  const first = waiting();
  queue.push(first);
  let looks = 0;
  for (let at = 0; at < 20_000; at++) {
    const entry = waiting(() => looks++);
    queue.push(entry);
    giveUp(queue, entry);
  }
  looks = 0;
  expect([...queue]).toEqual([first]);
  expect(looks).toBeLessThan(2000);
  expect(queue.rows).toBe(1);
  expect(queue.take(10)).toEqual([first]);
});

test('shows all that wait also when they are given up while it is looked through', () => {
  const queue = new RequestQueue(1);
  const entries = Array.from({ length: 5000 }, () => waiting());
  for (const entry of entries) queue.push(entry);
  const seen: Waiting[] = [];
  for (const entry of queue) {
    seen.push(entry);
    if (seen.length % 10 !== 0) giveUp(queue, entry);
  }
  expect(seen.length).toBe(5000);
  const kept = entries.filter((_, at) => at % 10 === 9);
  expect(queue.take(5000)).toEqual(kept);
  expect(queue.requests).toBe(0);
});
