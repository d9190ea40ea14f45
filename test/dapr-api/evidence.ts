/** What shows that a route or a method is tested: the requests compared with daprd, or a test of ours where none can be. */
import { BLOCKS } from '../compat/differential/blocks/index.ts';
import type { DocumentedRoute } from './routes.ts';

const COMPARED = BLOCKS.flatMap(({ cases }) => cases);

/** Streams, ends and what two processes never answer alike, with the test that uses them. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  '/v1.0/metadata': 'runtime/cli/sidecar-app.test.ts',
  '/v1.0/shutdown': 'runtime/cli/sidecar.test.ts',
  '/v1.0-alpha1/configuration/{store}/subscribe': 'runtime/transport/http-configuration.test.ts',
  SubscribeTopicEventsAlpha1: 'runtime/transport/grpc/streams.test.ts',
  SubscribeConfiguration: 'runtime/transport/grpc/blocks.test.ts',
  SubscribeConfigurationAlpha1: 'runtime/transport/grpc/blocks.test.ts',
  SubscribeActorEventsAlpha1: 'test/sidecar-grpc.test.ts',
  EncryptAlpha1: 'runtime/transport/grpc/blocks.test.ts',
  DecryptAlpha1: 'runtime/transport/grpc/blocks.test.ts',
  GetMetadata: 'runtime/transport/grpc/dapr-server.test.ts',
  Shutdown: 'runtime/cli/sidecar.test.ts',
};

export interface Evidence {
  /** Requests that the differential test sends to both. */
  readonly compared: number;
  readonly file?: string | undefined;
}

/** Matches the path of a request. */
function patternOf(path: string): RegExp {
  const parts = path.split('/').map((part) => {
    if (part === '*') return '.+';
    return part.startsWith('{') ? '[^/?]+' : part.replaceAll('.', '\\.');
  });
  return new RegExp(`^${parts.join('/')}/?(\\?.*)?$`);
}

export function evidenceOfRoute({ verbs, path }: DocumentedRoute): Evidence {
  const pattern = patternOf(path);
  const compared = COMPARED.filter(
    (one) => 'verb' in one && verbs.includes(one.verb) && pattern.test(one.path),
  ).length;
  return { compared, file: ELSEWHERE[path] };
}

export function evidenceOfMethod(method: string): Evidence {
  const compared = COMPARED.filter((one) => 'grpc' in one && one.grpc === method).length;
  return { compared, file: ELSEWHERE[method] };
}
