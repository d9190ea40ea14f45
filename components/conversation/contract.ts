/** The contract of a conversation component: messages to a language model, and what it answers. */
import type { Component } from '../component.ts';

export interface ToolCall {
  readonly id: string;
  readonly name: string;
  /** As the model wrote them; JSON text by convention. */
  readonly arguments: string;
}

export type MessagePart =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'tool-call'; readonly call: ToolCall }
  | {
      readonly kind: 'tool-result';
      readonly toolId: string;
      readonly name: string;
      readonly text: string;
    };

export interface ConversationMessage {
  readonly role: 'system' | 'user' | 'assistant' | 'tool';
  readonly parts: readonly MessagePart[];
}

export interface ConversationTool {
  readonly name: string;
  readonly description: string;
  /** JSON schema of its arguments. */
  readonly parameters?: Readonly<Record<string, unknown>> | undefined;
}

export interface ConversationRequest {
  readonly messages: readonly ConversationMessage[];
  readonly tools: readonly ConversationTool[];
  /** `auto`, `none`, `required` or the name of a tool. */
  readonly toolChoice?: string | undefined;
  readonly temperature?: number | undefined;
  readonly responseFormat?: Readonly<Record<string, unknown>> | undefined;
  readonly promptCacheRetentionMs?: number | undefined;
  readonly metadata: Readonly<Record<string, string>>;
}

export interface ConversationChoice {
  /** As OpenAI names it: `stop`, `tool_calls`. */
  readonly finishReason: string;
  readonly content: string;
  readonly toolCalls: readonly ToolCall[];
}

export interface ConversationUsage {
  readonly promptTokens: number;
  readonly completionTokens: number;
  readonly totalTokens: number;
}

export interface ConversationResponse {
  readonly outputs: readonly { readonly choices: readonly ConversationChoice[] }[];
  readonly model?: string;
  readonly usage?: ConversationUsage;
}

export interface Conversation extends Component {
  converse(
    request: ConversationRequest,
    options?: { signal?: AbortSignal },
  ): Promise<ConversationResponse>;
}
