/** `npm run bench -- failover`: members of Dapr's control plane that die. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { INSTALLED } from '../../test/servers/process.ts';
import type { Suite } from '../harness/question.ts';
import { question as failover } from './failover.ts';

async function check(): Promise<void> {
  for (const name of ['daprd', 'placement', 'scheduler']) {
    if (existsSync(join(INSTALLED, 'bin', name))) continue;
    const error = new Error(`${name} is not installed; run: npm run servers`);
    error.name = 'MissingTool';
    throw error;
  }
}

export const suite: Suite = {
  title: 'Failover in Dapr’s control plane: Troupe beside the official daprd',
  questions: [{ ...failover, check }],
};
