/**
 * `middleware.http.bearer`: lets through only requests with a token of an
 * OpenID Connect issuer in `Authorization: Bearer`, signed with a key that the
 * issuer publishes, for the audience, and not expired; others are answered
 * with 401. Keys are fetched at the start and again when an unknown one is used.
 */
import type { ComponentOptions, Driver, MetadataField } from '../../component.ts';
import { ComponentError } from '../../../runtime/core/errors.ts';
import { readMetadata } from '../../metadata.ts';
import type { Middleware } from '../contract.ts';
import { createStep, refusal } from '../step.ts';

/** How far the clocks of issuer and host may be apart. */
const SKEW_SECONDS = 300;
const FETCH_TIMEOUT_MS = 30_000;
const REFRESH_MS = 600_000;

const fields: readonly MetadataField[] = [
  {
    name: 'issuer',
    required: true,
    aliases: ['issuerURL'],
    description: 'The issuer that tokens must name, for example `https://accounts.example.org`.',
  },
  {
    name: 'audience',
    required: true,
    aliases: ['clientID'],
    description: 'The audience that tokens must name, usually a client id.',
  },
  {
    name: 'jwksURL',
    description:
      'Where the keys of the issuer are. Default: as its `/.well-known/openid-configuration` says.',
  },
];

async function fetchJson(
  options: ComponentOptions,
  url: string,
  what: string,
  signal: AbortSignal,
): Promise<Record<string, unknown>> {
  try {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(FETCH_TIMEOUT_MS)]);
    const answer = await fetch(url, { signal: limit });
    if (!answer.ok) throw new Error(`it answered ${answer.status}`);
    return (await answer.json()) as Record<string, unknown>;
  } catch (cause) {
    const why = (cause as Error).message;
    throw new ComponentError(options, `cannot read ${what} at ${url}: ${why}`, {
      code: 'UNAVAILABLE',
      cause,
    });
  }
}

/** Where the keys are. The issuer must call itself as the metadata does. */
async function findKeys(
  options: ComponentOptions,
  issuer: string,
  signal: AbortSignal,
): Promise<string> {
  const url = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
  const document = await fetchJson(options, url, 'the OpenID configuration', signal);
  const { issuer: named, jwks_uri: keys } = document;
  if (named !== issuer)
    throw new ComponentError(
      options,
      `the OpenID configuration at ${url} is of another issuer than the metadata says`,
      { code: 'INVALID_ARGUMENT' },
    );
  if (typeof keys === 'string') return keys;
  throw new ComponentError(options, `the OpenID configuration at ${url} has no jwks_uri`, {
    code: 'INVALID_ARGUMENT',
  });
}

async function create(options: ComponentOptions, signal: AbortSignal): Promise<Middleware> {
  const metadata = readMetadata(options, fields);
  const issuer = metadata.text('issuer') ?? '';
  const audience = metadata.text('audience') ?? '';
  const url = metadata.text('jwksURL') ?? (await findKeys(options, issuer, signal));
  if (!URL.canParse(url)) throw metadata.refuse('jwksURL', 'is not an address');
  await fetchJson(options, url, 'the keys of the issuer', signal);
  const { createRemoteJWKSet, jwtVerify } = await import('jose');
  const keys = createRemoteJWKSet(new URL(url), {
    timeoutDuration: FETCH_TIMEOUT_MS,
    cacheMaxAge: REFRESH_MS,
  });
  return createStep(options, async (request, next) => {
    const { authorization } = request.headers;
    const token =
      typeof authorization === 'string' ? /^bearer (.{10,})$/i.exec(authorization)?.[1] : undefined;
    if (token === undefined) return refusal(401, 'Unauthorized');
    try {
      await jwtVerify(token, keys, {
        issuer,
        audience,
        clockTolerance: SKEW_SECONDS,
        currentDate: new Date(options.now()),
      });
    } catch (error) {
      const { code } = error as { code?: string };
      options.logger.debug({ component: options.name, code }, 'token refused');
      return refusal(401, 'Unauthorized');
    }
    return next(request);
  });
}

export const driver: Driver<Middleware> = {
  fields,
  create: (options, { signal }) => create(options, signal),
};
