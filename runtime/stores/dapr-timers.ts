/** Timers kept by daprd beside the actors that it runs; each firing comes back as a turn. */
import type { Clock } from '../core/ports.ts';
import type { TimerService } from '../core/services.ts';
import { actorPath, askDaprd, daprdError, jsonBytes, type DaprdHttp } from './daprd.ts';
import { daprTimes } from './dapr-times.ts';

export function createDaprTimers(http: DaprdHttp, clock: Clock): TimerService {
  return {
    async set(actor, name, spec) {
      const body = jsonBytes({
        ...daprTimes(spec, clock.now()),
        callback: spec.method ?? '',
        ...(spec.data === undefined ? {} : { data: spec.data }),
      });
      const path = `${actorPath(actor)}/timers/${encodeURIComponent(name)}`;
      const headers = { 'content-type': 'application/json' };
      const answer = await askDaprd(http, { method: 'POST', path, headers, body });
      if (answer.status !== 204) throw daprdError(answer, `timer "${name}"`, actor);
    },

    async delete(actor, name) {
      const path = `${actorPath(actor)}/timers/${encodeURIComponent(name)}`;
      const answer = await askDaprd(http, { method: 'DELETE', path });
      if (answer.status !== 204) throw daprdError(answer, `the end of timer "${name}"`, actor);
    },
  };
}
