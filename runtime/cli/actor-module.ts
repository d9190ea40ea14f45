/** Finds the actor classes and services that a user's module exports. */
import { access } from 'node:fs/promises';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { ActorClass } from '../actor/index.ts';
import { TroupeError } from '../core/errors.ts';

const ACTOR_BASE: unique symbol = Symbol.for('troupe.actor.base') as never;

export interface ActorModule {
  readonly actors: readonly ActorClass[];
  /** The export `services`, handed to every actor. */
  readonly services?: unknown;
}

/**
 * Imports the module and takes its export `actors` (a list of classes) or else
 * every exported class that extends Actor. Throws INVALID_ARGUMENT or NOT_FOUND
 * naming the module and what to change.
 */
export async function importActors(path: string, cwd: string): Promise<ActorModule> {
  const file = resolve(cwd, path);
  await access(file).catch((cause: unknown) => {
    throw new TroupeError('NOT_FOUND', `module "${path}" does not exist (looked for ${file})`, {
      cause,
    });
  });
  let exported: Record<string, unknown>;
  try {
    exported = (await import(pathToFileURL(file).href)) as Record<string, unknown>;
  } catch (cause) {
    throw new TroupeError(
      'INVALID_ARGUMENT',
      `module "${path}" cannot be loaded: ${reasonOf(cause)}`,
      {
        cause,
      },
    );
  }
  const actors = 'actors' in exported ? listed(path, exported['actors']) : found(exported);
  if (actors.size === 0) {
    throw new TroupeError(
      'INVALID_ARGUMENT',
      `module "${path}" exports no actor; export a class that extends Actor, or a list of them named actors`,
    );
  }
  const types = new Map<string, string>();
  for (const [name, actor] of actors) {
    const { type } = actor;
    if (typeof type !== 'string' || type === '') {
      throw new TroupeError(
        'INVALID_ARGUMENT',
        `module "${path}": class ${name} has no type; add static readonly type = '${name}'`,
      );
    }
    const other = types.get(type);
    if (other !== undefined) {
      throw new TroupeError(
        'INVALID_ARGUMENT',
        `module "${path}": classes ${other} and ${name} have the same type "${type}"; types are names on the wire, change one`,
      );
    }
    types.set(type, name);
  }
  return {
    actors: [...actors.values()],
    ...('services' in exported ? { services: exported['services'] } : {}),
  };
}

function reasonOf(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  return cause.stack?.includes(cause.message) ? cause.stack : `${cause.message}\n${cause.stack}`;
}

const isActorClass = (value: unknown): value is ActorClass =>
  typeof value === 'function' && ACTOR_BASE in value;

function listed(path: string, actors: unknown): Map<string, ActorClass> {
  if (!Array.isArray(actors)) {
    throw new TroupeError(
      'INVALID_ARGUMENT',
      `module "${path}": the export actors must be a list of classes`,
    );
  }
  const classes = new Map<string, ActorClass>();
  for (const [index, actor] of actors.entries()) {
    if (!isActorClass(actor)) {
      throw new TroupeError(
        'INVALID_ARGUMENT',
        `module "${path}": actors[${index}] is no class that extends Actor`,
      );
    }
    classes.set(actor.name || `actors[${index}]`, actor);
  }
  return classes;
}

/** Exports that are actor classes, each once; the base class itself, which a module may pass on, has no prototype of Actor above it. */
function found(exported: Record<string, unknown>): Map<string, ActorClass> {
  const classes = new Set<ActorClass>();
  for (const value of Object.values(exported)) {
    if (isActorClass(value) && !Object.hasOwn(value, ACTOR_BASE)) classes.add(value);
  }
  return new Map([...classes].map((actor) => [actor.name || actor.type, actor]));
}
