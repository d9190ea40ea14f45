/** HTTP rows of the conversation block: JSON as protobuf has it, names in camel or snake case. */
import type { ConversationResponse } from '../../components/conversation/contract.ts';
import { parseDuration } from '../core/schedule.ts';
import type { ConversationApi, ConverseAlpha1, ConverseAlpha2 } from './conversation.ts';
import {
  isObject,
  json,
  jsonOf,
  malformed,
  textOf,
  textsOf,
  type HttpRequest,
  type HttpResponse,
  type HttpRoute,
} from './route.ts';

type Plain = Readonly<Record<string, unknown>>;

/** Names whose values are the caller's own and are taken as they are. */
const OPAQUE = new Set(['parameters', 'responseFormat', 'metadata']);

/** The same object with members in camel case; protobuf's JSON takes either. */
function camelCased(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(camelCased);
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => {
      const camel = name.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
      return [camel, OPAQUE.has(camel) ? member : camelCased(member)];
    }),
  );
}

/** Text where text is due, lists where lists are, and so on down; what is unknown passes. */
function check(value: unknown, shape: Shape, what: string): void {
  if (value === undefined || value === null) return;
  if (typeof shape === 'string') {
    const fits = shape === 'object' ? isObject(value) : typeof value === shape;
    if (!fits) throw malformed(`${what} must be a ${shape}`);
    return;
  }
  if (Array.isArray(shape)) {
    if (!Array.isArray(value)) throw malformed(`${what} must be an array`);
    value.forEach((item, index) => {
      if (!isObject(item)) throw malformed(`${what}[${index}] must be an object`);
      check(item, shape[0]!, `${what}[${index}]`);
    });
    return;
  }
  if (!isObject(value)) throw malformed(`${what} must be an object`);
  for (const [name, member] of Object.entries(shape)) check(value[name], member, `${what}.${name}`);
}

type Shape = 'string' | 'boolean' | 'number' | 'object' | ShapeOf | readonly ShapeOf[];
interface ShapeOf {
  readonly [name: string]: Shape;
}

const CALL = { name: 'string', arguments: 'string' } as const;
const MESSAGE = {
  name: 'string',
  toolId: 'string',
  content: [{ text: 'string' }],
  toolCalls: [{ id: 'string', function: CALL }],
} as const;
const ALPHA1: ShapeOf = {
  contextID: 'string',
  scrubPII: 'boolean',
  temperature: 'number',
  parameters: 'object',
  inputs: [{ content: 'string', role: 'string', scrubPII: 'boolean' }],
};
const TOOL = { name: 'string', description: 'string', parameters: 'object' } as const;
const ALPHA2: ShapeOf = {
  contextId: 'string',
  scrubPii: 'boolean',
  temperature: 'number',
  toolChoice: 'string',
  responseFormat: 'object',
  tools: [{ function: TOOL }],
  inputs: [
    {
      scrubPii: 'boolean',
      messages: [
        {
          ofDeveloper: MESSAGE,
          ofSystem: MESSAGE,
          ofUser: MESSAGE,
          ofAssistant: MESSAGE,
          ofTool: MESSAGE,
        },
      ],
    },
  ],
};

function bodyOf(request: HttpRequest, shape: ShapeOf): Plain {
  const body = request.body.byteLength === 0 ? {} : camelCased(jsonOf(request.body));
  if (!isObject(body)) throw malformed('the body must be an object');
  check(body, shape, 'the body');
  return {
    ...body,
    inputs: body['inputs'] ?? [],
    metadata: textsOf(body['metadata'], 'metadata') ?? {},
  };
}

async function alpha1(api: ConversationApi, request: HttpRequest): Promise<HttpResponse> {
  const body = bodyOf(request, ALPHA1);
  const results = await api.converseAlpha1(
    request.params[0]!,
    body as unknown as ConverseAlpha1,
    request,
  );
  const contextID = textOf(body['contextID'], 'contextID');
  const parameters = body['parameters'];
  return json({
    ...(contextID ? { contextID } : {}),
    outputs: results.map((result) => ({
      ...(result === '' ? {} : { result }),
      ...(parameters ? { parameters } : {}),
    })),
  });
}

/** Protobuf's JSON: 64-bit numbers as text, empty members left out. */
function alpha2Json({ outputs, model, usage }: ConversationResponse): unknown {
  return outputs.map(({ choices }) => ({
    choices: choices.map(({ finishReason, content, toolCalls }, index) => ({
      finishReason,
      ...(index === 0 ? {} : { index: String(index) }),
      message: {
        ...(content === '' ? {} : { content }),
        ...(toolCalls.length === 0
          ? {}
          : {
              toolCalls: toolCalls.map(({ id, name, arguments: args }) => ({
                ...(id === '' ? {} : { id }),
                function: { name, ...(args === '' ? {} : { arguments: args }) },
              })),
            }),
      },
    })),
    ...(model ? { model } : {}),
    ...(usage
      ? {
          usage: Object.fromEntries(
            Object.entries(usage).flatMap(([name, count]: [string, number]) =>
              count === 0 ? [] : [[name, String(count)]],
            ),
          ),
        }
      : {}),
  }));
}

async function alpha2(api: ConversationApi, request: HttpRequest): Promise<HttpResponse> {
  const { promptCacheRetention, ...body } = bodyOf(request, ALPHA2);
  const retention = textOf(promptCacheRetention, 'promptCacheRetention');
  let promptCacheRetentionMs: number | undefined;
  try {
    promptCacheRetentionMs = retention === undefined ? undefined : parseDuration(retention);
  } catch (cause) {
    throw malformed('promptCacheRetention must be a duration like "86400s"', cause);
  }
  const asked = { ...body, promptCacheRetentionMs } as unknown as ConverseAlpha2;
  const answer = await api.converseAlpha2(request.params[0]!, asked, request);
  const contextId = textOf(body['contextId'], 'contextId');
  return json({ ...(contextId ? { contextId } : {}), outputs: alpha2Json(answer) });
}

export function conversationRoutes(api: ConversationApi): HttpRoute[] {
  return [
    {
      methods: ['POST'],
      pattern: 'v1.0-alpha1/conversation/{name}/converse',
      handle: (request) => alpha1(api, request),
    },
    {
      methods: ['POST'],
      pattern: 'v1.0-alpha2/conversation/{name}/converse',
      handle: (request) => alpha2(api, request),
    },
  ];
}
