/** Shows every behaviour on one row: one runtime for all of them, an id for each, all at a time. */
import { afterAll, beforeAll, describe, it } from 'vitest';
import type { DaprSet } from '../../servers/dapr-set.ts';
import { BEHAVIOURS } from './behaviours.ts';
import { openerOf, type Row } from './rows.ts';
import { createServices, type BehaviourStage, type Opened } from './stage.ts';

const LONGEST_MS = 60_000;

export function behavioursOn({ wire, name, needsDapr }: Row, set?: () => DaprSet): void {
  const one = needsDapr ? describe : describe.concurrent;
  one(`on ${name}`, () => {
    const services = createServices();
    let opened: Opened;

    beforeAll(async () => {
      opened = await openerOf(wire, set)(services);
    });
    afterAll(() => opened?.[Symbol.asyncDispose]());

    BEHAVIOURS.forEach(({ topic, says, limit, shows }, n) => {
      const stage = (): BehaviourStage => ({
        system: opened.system,
        ref: opened.ref,
        services,
        id: `b${n}`,
      });
      if (!limit?.on.includes(wire)) {
        it.concurrent(`${topic}: ${says}`, () => shows(stage()), LONGEST_MS);
      } else if (limit.shows) {
        const { shows: instead } = limit;
        it.concurrent(`${topic}: a limit, ${limit.says}`, () => instead(stage()), LONGEST_MS);
      } else it.skipIf(true)(`${topic}: a limit of ${name}, ${limit.says}`, () => {});
    });
  });
}
