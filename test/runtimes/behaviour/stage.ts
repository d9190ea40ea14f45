/**
 * What the behaviours are shown on: a runtime with the actors of actors.ts in
 * it, under the real clock, and callers that reach them by the runtime's wire.
 */
import type { System } from '../../../runtime/hosts/system.ts';
import type { ActorRef } from '../../../runtime/actor/index.ts';
import { createStage, type Stage } from '../stage.ts';

/** What the actors are given as `services`. */
export interface Services extends Stage {
  /** Of the turns of each actor: how many run now, and ran at once at most. */
  readonly running: Map<string, { now: number; most: number }>;
}

/** A runtime that is open. */
export interface Opened extends AsyncDisposable {
  readonly system: System;
  /** Calls from outside: over the wire, where the runtime has one. */
  ref<T extends object>(type: string, id: string): ActorRef<T>;
}

export type OpenRuntime = (services: Services) => Promise<Opened>;

export interface BehaviourStage extends Pick<Opened, 'system' | 'ref'> {
  readonly services: Services;
  /** An actor id that no other behaviour uses. */
  readonly id: string;
}

export function createServices(): Services {
  return { ...createStage(), running: new Map() };
}

const PATIENCE_MS = 30_000;
const POLL_MS = 10;

/** Resolves when the condition holds; a reminder of a real scheduler takes its seconds. */
export async function waitFor(
  condition: () => boolean | Promise<boolean>,
  why: string,
): Promise<void> {
  const end = Date.now() + PATIENCE_MS;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`waited in vain until ${why}`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
