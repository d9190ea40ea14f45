/** Actors that live in this process: a class of the author's, made and called directly. */
import { ACTOR_BASE, Actor, type ActorClass } from '../actor/actor.ts';
import type { ActorInstance, ActorTarget } from '../core/actor-type.ts';
import type { Activation } from '../core/activation.ts';
import { toValue } from '../core/codec.ts';
import type { Engine } from '../core/engine.ts';
import { TroupeError } from '../core/errors.ts';
import { assertName } from '../core/ref.ts';
import { parseDuration } from '../core/schedule.ts';
import { InProcessContext } from './in-process-context.ts';

const DEFAULT_IDLE = '60m';
const DEFAULT_MAILBOX = 1000;
const DEFAULT_DEPTH = 32;
const HOOKS = new Set(['onActivate', 'onDeactivate', 'onReminder', 'onTimer']);
const OPTIONS = new Set(['idleTimeout', 'reentrant', 'readOnly', 'mailbox', 'offloaded']);

type Method = (this: Actor, argument?: unknown) => unknown;

export function createInProcessTarget(
  actorClass: ActorClass,
  engine: Engine,
  services: unknown,
): ActorTarget {
  const { type, options = {} } = actorClass;
  const where = `actor class ${actorClass.name}`;
  if (typeof type !== 'string') {
    throw new TroupeError(
      'INVALID_ARGUMENT',
      `${where} has no wire name; add: static readonly type = '${actorClass.name}'`,
    );
  }
  assertName(`the type of ${where}`, type);
  for (const name of Object.keys(options)) {
    if (!OPTIONS.has(name)) {
      throw new TroupeError(
        'INVALID_ARGUMENT',
        `${where} has the unknown option "${name}"; known: ${[...OPTIONS].join(', ')}`,
      );
    }
  }
  const methods = methodsOf(actorClass);
  for (const [name, task] of Object.entries(options.offloaded ?? {})) {
    methods.set(name, offloadedMethod(name, task, { methods, engine, where }));
  }
  for (const name of options.readOnly ?? []) {
    if (!methods.has(name))
      throw new TroupeError(
        'INVALID_ARGUMENT',
        `${where} declares "${name}" read-only but has no such method`,
      );
  }
  const readOnly = new Set(options.readOnly);
  const { reentrant = false } = options;
  return {
    type,
    idleMs: parseDuration(options.idleTimeout ?? DEFAULT_IDLE, `idleTimeout of ${where}`),
    mailboxLimit: options.mailbox ?? DEFAULT_MAILBOX,
    reentrancyDepth:
      reentrant === true ? DEFAULT_DEPTH : reentrant === false ? 0 : reentrant.maxDepth,
    hasMethod: (method) => methods.has(method),
    isReadOnly: (method) => readOnly.has(method),
    activate: (activation) => instantiate(actorClass, methods, activation, engine, services),
  };
}

function offloadedMethod(
  name: string,
  task: string,
  {
    methods,
    engine,
    where,
  }: { methods: ReadonlyMap<string, Method>; engine: Engine; where: string },
): Method {
  const refuse = (why: string): TroupeError =>
    new TroupeError('INVALID_ARGUMENT', `${where} declares "${name}" as offloaded ${why}`);
  if (methods.has(name)) throw refuse('and has a method of the name; leave one of them out');
  if (HOOKS.has(name) || name in Actor.prototype) throw refuse('but that name is taken');
  const { tasks } = engine.parts;
  if (!tasks) throw refuse('but the system runs no tasks; give it `tasks`');
  if (!tasks.tasks.includes(task)) {
    throw refuse(`to the task "${task}"; the system runs ${tasks.tasks.join(', ') || 'none'}`);
  }
  return function (argument) {
    return this.ctx.offload(task, argument);
  };
}

function instantiate(
  actorClass: ActorClass,
  methods: ReadonlyMap<string, Method>,
  activation: Activation,
  engine: Engine,
  services: unknown,
): ActorInstance {
  const actor = new actorClass(
    new InProcessContext(activation, engine, services) as never,
  ) as Actor;
  return new InProcessInstance(actor, methods);
}

class InProcessInstance implements ActorInstance {
  readonly #actor: Actor;
  readonly #methods: ReadonlyMap<string, Method>;

  constructor(actor: Actor, methods: ReadonlyMap<string, Method>) {
    this.#actor = actor;
    this.#methods = methods;
  }

  invoke(method: string, payload: Parameters<ActorInstance['invoke']>[1]): unknown {
    const run = this.#methods.get(method);
    if (!run) throw new TroupeError('METHOD_NOT_FOUND', `the actor has no method "${method}"`);
    return run.call(this.#actor, toValue(payload));
  }

  get onActivate(): ActorInstance['onActivate'] {
    return this.#actor.onActivate && (() => this.#actor.onActivate!());
  }

  get onDeactivate(): ActorInstance['onDeactivate'] {
    return this.#actor.onDeactivate && (() => this.#actor.onDeactivate!());
  }

  get onReminder(): ActorInstance['onReminder'] {
    return this.#actor.onReminder && ((reminder) => this.#actor.onReminder!(reminder));
  }

  get onTimer(): ActorInstance['onTimer'] {
    return this.#actor.onTimer && ((timer) => this.#actor.onTimer!(timer));
  }
}

/** Methods declared below the base class: no hooks, no accessors, no constructor, nothing of Object's. */
function methodsOf(actorClass: ActorClass): Map<string, Method> {
  const methods = new Map<string, Method>();
  let isActor = false;
  for (
    let at = actorClass as unknown as { prototype: object };
    at?.prototype;
    at = Object.getPrototypeOf(at) as typeof at
  ) {
    if (Object.hasOwn(at, ACTOR_BASE)) {
      isActor = true;
      break;
    }
    for (const [name, property] of Object.entries(Object.getOwnPropertyDescriptors(at.prototype))) {
      if (
        name === 'constructor' ||
        HOOKS.has(name) ||
        typeof property.value !== 'function' ||
        methods.has(name)
      )
        continue;
      methods.set(name, property.value as Method);
    }
  }
  if (!isActor)
    throw new TroupeError(
      'INVALID_ARGUMENT',
      `class ${actorClass.name} does not extend Actor of troupe/actor`,
    );
  return methods;
}
