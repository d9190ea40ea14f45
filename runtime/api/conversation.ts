/**
 * The conversation building block: messages to a language model and what it
 * answers, with personal data taken out where that is asked for. Requests are
 * the plain objects that the protocol buffers of both versions decode to,
 * names in camel case.
 */
import type {
  Conversation,
  ConversationMessage,
  ConversationRequest,
  ConversationResponse,
  ConversationTool,
  MessagePart,
  ToolCall,
} from '../../components/conversation/contract.ts';
import { ApiError } from './api-error.ts';
import { scrubPii } from './pii.ts';

export interface ConversationOptions {
  readonly conversations: ReadonlyMap<string, Conversation>;
}

type Maybe<T> = T | null | undefined;

interface Text {
  readonly text?: Maybe<string>;
}

interface PlainToolCall {
  readonly id?: Maybe<string>;
  readonly function?: { readonly name?: Maybe<string>; readonly arguments?: string };
}

interface PlainContent {
  readonly name?: Maybe<string>;
  readonly content?: Maybe<readonly Text[]>;
  readonly toolCalls?: Maybe<readonly PlainToolCall[]>;
  readonly toolId?: Maybe<string>;
}

/** One of `ofDeveloper`, `ofSystem`, `ofUser`, `ofAssistant` and `ofTool`. */
export type PlainMessage = Readonly<Partial<Record<MessageKind, PlainContent | null>>>;
type MessageKind = keyof typeof ROLES;

export interface PlainTool {
  readonly function?: Maybe<{
    readonly name?: Maybe<string>;
    readonly description?: Maybe<string>;
    readonly parameters?: Maybe<Readonly<Record<string, unknown>>>;
  }>;
}

export interface ConverseAlpha1 {
  readonly contextID?: Maybe<string>;
  readonly inputs: readonly {
    readonly content?: Maybe<string>;
    readonly role?: Maybe<string>;
    readonly scrubPII?: Maybe<boolean>;
  }[];
  readonly metadata?: Maybe<Readonly<Record<string, string>>>;
  readonly scrubPII?: Maybe<boolean>;
  readonly temperature?: Maybe<number>;
}

export interface ConverseAlpha2 {
  readonly contextId?: Maybe<string>;
  readonly inputs: readonly {
    readonly messages?: Maybe<readonly PlainMessage[]>;
    readonly scrubPii?: Maybe<boolean>;
  }[];
  readonly metadata?: Maybe<Readonly<Record<string, string>>>;
  readonly scrubPii?: Maybe<boolean>;
  readonly temperature?: Maybe<number>;
  readonly tools?: Maybe<readonly PlainTool[]>;
  readonly toolChoice?: Maybe<string>;
  readonly responseFormat?: Maybe<Readonly<Record<string, unknown>>>;
  readonly promptCacheRetentionMs?: Maybe<number>;
}

type Context = { readonly signal?: AbortSignal };

export interface ConversationApi {
  /** The text of each output. */
  converseAlpha1(name: string, request: ConverseAlpha1, context?: Context): Promise<string[]>;
  converseAlpha2(
    name: string,
    request: ConverseAlpha2,
    context?: Context,
  ): Promise<ConversationResponse>;
}

const ROLES = {
  ofDeveloper: 'user',
  ofSystem: 'system',
  ofUser: 'user',
  ofAssistant: 'assistant',
  ofTool: 'tool',
} as const satisfies Record<string, ConversationMessage['role']>;

function roleOf(written: string): ConversationMessage['role'] {
  const role = written.toLowerCase();
  if (role === 'system' || role === 'tool' || role === 'assistant') return role;
  return role === 'ai' ? 'assistant' : 'user';
}

function messageOf(
  plain: PlainMessage,
  scrub: (text: string) => string,
  refuse: (why: string) => ApiError,
): ConversationMessage {
  const kind = (Object.keys(ROLES) as MessageKind[]).find((name) => plain[name]);
  if (!kind) throw refuse('message type cannot be nil');
  const { name, content, toolCalls, toolId } = plain[kind]!;
  const parts = (content ?? []).map(({ text }): MessagePart =>
    kind === 'ofTool'
      ? { kind: 'tool-result', toolId: toolId ?? '', name: name ?? '', text: scrub(text ?? '') }
      : { kind: 'text', text: scrub(text ?? '') },
  );
  for (const { id, function: called } of (kind === 'ofAssistant' && toolCalls) || []) {
    if (!called) throw refuse('tool types cannot be nil');
    const call: ToolCall = {
      id: id ?? '',
      name: called.name ?? '',
      arguments: called.arguments ?? '',
    };
    parts.push({ kind: 'tool-call', call });
  }
  return { role: ROLES[kind], parts };
}

const CHOICES =
  "Must be 'auto', 'none', 'required', or a specific tool name matching the tools available to be used";

export function createConversationApi({ conversations }: ConversationOptions): ConversationApi {
  function find(name: string, inputs: readonly unknown[]): Conversation {
    const found = conversations.get(name);
    if (!found) {
      const text = `failed finding conversation component ${name}`;
      throw new ApiError('CONVERSATION_NOT_FOUND', text);
    }
    if (inputs.length > 0) return found;
    const text = `failed conversing with component ${name}: missing inputs in request`;
    throw new ApiError('CONVERSATION_INPUTS', text);
  }

  async function converse(
    name: string,
    component: Conversation,
    request: ConversationRequest,
    context?: Context,
  ): Promise<ConversationResponse> {
    try {
      return await component.converse(request, context);
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      const text = `failed conversing with component ${name}: ${why}`;
      throw new ApiError('CONVERSATION_INVOKE', text, { cause });
    }
  }

  const scrubIf = (isAsked: boolean | null | undefined): ((text: string) => string) =>
    isAsked ? scrubPii : (text) => text;

  return {
    async converseAlpha1(name, request, context) {
      const component = find(name, request.inputs);
      const messages = request.inputs.map(({ content, role, scrubPII }): ConversationMessage => ({
        role: roleOf(role ?? ''),
        parts: [{ kind: 'text', text: scrubIf(scrubPII)(content ?? '') }],
      }));
      const { metadata, temperature } = request;
      const asked = {
        messages,
        tools: [],
        metadata: metadata ?? {},
        temperature: temperature ?? undefined,
      };
      const { outputs } = await converse(name, component, asked, context);
      const scrub = scrubIf(request.scrubPII);
      return outputs.map(({ choices }) => scrub(choices[0]?.content ?? ''));
    },

    async converseAlpha2(name, request, context) {
      const component = find(name, request.inputs);
      const refuse = (why: string): ApiError =>
        new ApiError(
          'CONVERSATION_PARAMETERS',
          `failed conversing with component ${name}: invalid params: ${why}`,
        );
      const messages = request.inputs.flatMap(({ messages: plain, scrubPii: isAsked }) =>
        (plain ?? []).map((message) => messageOf(message, scrubIf(isAsked), refuse)),
      );
      const plainTools = request.tools ?? [];
      const tools = plainTools.flatMap(({ function: declared }): ConversationTool[] =>
        declared
          ? [
              {
                name: declared.name ?? '',
                description: declared.description ?? '',
                parameters: declared.parameters ?? undefined,
              },
            ]
          : [],
      );
      const toolChoice = request.toolChoice || (tools.length > 0 ? 'auto' : undefined);
      if (toolChoice === 'required' && tools.length === 0)
        throw refuse(`tool choice ${CHOICES.replace('Must', 'must')}`);
      const isName = toolChoice && !['auto', 'none', 'required'].includes(toolChoice);
      if (isName && plainTools.length > 0 && !tools.some((tool) => tool.name === toolChoice))
        throw refuse(`tool choice selected was not found. ${CHOICES}`);
      const asked: ConversationRequest = {
        messages,
        tools,
        toolChoice,
        temperature: request.temperature ?? undefined,
        responseFormat: request.responseFormat ?? undefined,
        promptCacheRetentionMs: request.promptCacheRetentionMs ?? undefined,
        metadata: request.metadata ?? {},
      };
      const answer = await converse(name, component, asked, context);
      const scrub = scrubIf(request.scrubPii);
      return {
        ...answer,
        outputs: answer.outputs.map(({ choices }) => ({
          choices: choices.map((choice) => ({ ...choice, content: scrub(choice.content) })),
        })),
      };
    },
  };
}
