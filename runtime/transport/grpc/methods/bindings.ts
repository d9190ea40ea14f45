/** gRPC methods of the bindings block. */
import type { BindingsApi } from '../../../api/bindings.ts';
import { bindingTrace } from '../../../api/trace-context.ts';
import { httpHeaders } from '../crossing.ts';
import { unary, type MethodRow } from '../registry.ts';

interface InvokeBinding {
  readonly name: string;
  readonly data: Uint8Array;
  readonly metadata: Readonly<Record<string, string>>;
  readonly operation: string;
}

export function bindingMethods(api: BindingsApi): MethodRow[] {
  return [
    unary<InvokeBinding, object>(
      'InvokeBinding',
      async ({ name, data, metadata, operation }, call) => {
        const told = { ...bindingTrace(httpHeaders(call.headers)), ...metadata };
        const request = { operation, data: new Uint8Array(data), metadata: told };
        const { error, ...answer } = await api.invoke(name, request, call);
        const named = Object.entries(answer.metadata).map(
          ([key, value]) => [`metadata.${key.toLowerCase()}`, value] as const,
        );
        // An answer that failed has its metadata all the same.
        call.addHeaders(Object.fromEntries(named));
        if (error) throw error;
        return answer;
      },
      { failure: 'BINDING_INVOKE' },
    ),
  ];
}
