/**
 * `conversation.echo`: answers with what it was told, for tests and for a first
 * look. Tools are "called" with the names of their parameters; words count as
 * tokens.
 */
import { ComponentError } from '../../../runtime/core/errors.ts';
import type { Driver } from '../../component.ts';
import type { Conversation, ConversationTool, ToolCall } from '../contract.ts';

function argumentsOf({ parameters }: ConversationTool): string {
  const properties = parameters?.['properties'] ?? {};
  if (typeof properties !== 'object' || Array.isArray(properties))
    throw new TypeError('tool function properties must be an object');
  return Object.keys(properties).sort().join(',');
}

export const driver: Driver<Conversation> = {
  fields: [],
  async create(options, { signal }) {
    if (signal.aborted)
      throw new ComponentError(options, 'was not created: cancelled', { code: 'CANCELLED' });
    let closed = false;

    function requireOpen(): void {
      if (closed) throw new ComponentError(options, 'is closed; create it again to use it');
    }

    async function close(): Promise<void> {
      closed = true;
    }

    return {
      features: [],
      async converse({ messages, tools }) {
        requireOpen();
        let toolCalls: ToolCall[];
        try {
          toolCalls = tools.map((tool, index) => ({
            id: String(index),
            name: tool.name,
            arguments: argumentsOf(tool),
          }));
        } catch (cause) {
          throw new ComponentError(options, (cause as Error).message, { code: 'INVALID_ARGUMENT' });
        }
        const texts: string[] = [];
        for (const part of messages.flatMap(({ parts }) => parts)) {
          if (part.kind === 'text') texts.push(part.text);
          else if (part.kind === 'tool-call') toolCalls.push(part.call);
          else
            texts.push(
              `Tool Response for tool ID '${part.toolId}' with name '${part.name}': ${part.text}`,
            );
        }
        const content = texts.join('\n');
        const tokens = content.split(/\s+/).filter((word) => word !== '').length;
        const finishReason = toolCalls.length > 0 ? 'tool_calls' : 'stop';
        return {
          outputs: [{ choices: [{ finishReason, content, toolCalls }] }],
          usage: { promptTokens: tokens, completionTokens: tokens, totalTokens: 2 * tokens },
        };
      },
      async ping() {
        requireOpen();
      },
      close,
      [Symbol.asyncDispose]: close,
    };
  },
};
