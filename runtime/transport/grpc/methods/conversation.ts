/** gRPC methods of the conversation block. */
import type { ConversationApi, ConverseAlpha1, ConverseAlpha2 } from '../../../api/conversation.ts';
import { unary, type MethodRow } from '../registry.ts';
import { jsonOfStruct, millisecondsOf, type PlainDuration, type PlainStruct } from '../struct.ts';

interface Alpha1 extends ConverseAlpha1 {
  readonly name: string;
  readonly parameters: Readonly<Record<string, object>>;
}

interface Alpha2 extends Omit<ConverseAlpha2, 'tools' | 'responseFormat'> {
  readonly name: string;
  readonly tools: readonly {
    readonly function?: {
      readonly name: string;
      readonly description?: string | null;
      readonly parameters?: PlainStruct | null;
    } | null;
  }[];
  readonly responseFormat?: PlainStruct | null;
  readonly promptCacheRetention?: PlainDuration | null;
}

function askedOf({ tools, responseFormat, promptCacheRetention, ...rest }: Alpha2): ConverseAlpha2 {
  return {
    ...rest,
    tools: tools.map(({ function: declared }) => {
      if (!declared) return {};
      const { name, description, parameters } = declared;
      const shape = parameters ? { parameters: jsonOfStruct(parameters) } : {};
      return { function: { name, description, ...shape } };
    }),
    ...(responseFormat ? { responseFormat: jsonOfStruct(responseFormat) } : {}),
    ...(promptCacheRetention
      ? { promptCacheRetentionMs: millisecondsOf(promptCacheRetention) }
      : {}),
  };
}

export function conversationMethods(api: ConversationApi): MethodRow[] {
  return [
    unary<Alpha1, object>(
      'ConverseAlpha1',
      async (request, call) => {
        const { name, contextID, parameters } = request;
        const results = await api.converseAlpha1(name, request, call);
        const outputs = results.map((result) => ({ result, parameters }));
        return { outputs, ...(contextID ? { contextID } : {}) };
      },
      { failure: 'CONVERSATION_INVOKE' },
    ),
    unary<Alpha2, object>(
      'ConverseAlpha2',
      async (request, call) => {
        const { name, contextId } = request;
        const { outputs, model, usage } = await api.converseAlpha2(name, askedOf(request), call);
        return {
          ...(contextId ? { contextId } : {}),
          outputs: outputs.map(({ choices }) => ({
            choices: choices.map(({ finishReason, content, toolCalls }, index) => ({
              finishReason,
              index,
              message: {
                content,
                toolCalls: toolCalls.map(({ id, name: tool, arguments: args }) => ({
                  ...(id === '' ? {} : { id }),
                  function: { name: tool, arguments: args },
                })),
              },
            })),
            ...(model ? { model } : {}),
            ...(usage ? { usage } : {}),
          })),
        };
      },
      { failure: 'CONVERSATION_INVOKE' },
    ),
  ];
}
