/**
 * The one table of errors at a wire: what the runtime or the API throws, and
 * the Dapr error code, HTTP status and gRPC code that it becomes.
 * docs/reference/errors.md lists the same rows; error-map.test.ts holds the
 * two and core/errors.ts together.
 */
import type { ErrorCode } from '../core/errors.ts';
import { BLOCK_ERRORS } from './block-errors.ts';

export type GrpcCode =
  | 'CANCELLED'
  | 'INVALID_ARGUMENT'
  | 'DEADLINE_EXCEEDED'
  | 'NOT_FOUND'
  | 'ALREADY_EXISTS'
  | 'PERMISSION_DENIED'
  | 'RESOURCE_EXHAUSTED'
  | 'FAILED_PRECONDITION'
  | 'ABORTED'
  | 'UNIMPLEMENTED'
  | 'INTERNAL'
  | 'UNAVAILABLE'
  | 'UNAUTHENTICATED';

export interface ErrorRow {
  /** `errorCode` of the JSON body. */
  readonly errorCode: string;
  readonly status: number;
  readonly grpc: GrpcCode;
  /** Reason of the rich form's ErrorInfo; absent: the old form without details. */
  readonly reason?: string;
  /** What daprd prints before the message over HTTP, where clients see an error of its own inside. */
  readonly httpPrefix?: string;
  /** The old form over HTTP; over gRPC an ErrorInfo whose reason is `errorCode`. */
  readonly informs?: true;
}

/** Codes of core/errors.ts. Dapr's own code where daprd has the case, `ERR_` and the name where it has not. */
export const RUNTIME_ERRORS = {
  INVALID_ARGUMENT: { errorCode: 'ERR_BAD_REQUEST', status: 400, grpc: 'INVALID_ARGUMENT' },
  NOT_FOUND: { errorCode: 'ERR_ACTOR_NO_ADDRESS', status: 404, grpc: 'FAILED_PRECONDITION' },
  METHOD_NOT_FOUND: { errorCode: 'ERR_ACTOR_INVOKE_METHOD', status: 404, grpc: 'NOT_FOUND' },
  CONFLICT: { errorCode: 'ERR_CONFLICT', status: 409, grpc: 'ABORTED' },
  UNAVAILABLE: { errorCode: 'ERR_UNAVAILABLE', status: 503, grpc: 'UNAVAILABLE' },
  MOVED: { errorCode: 'ERR_ACTOR_MOVED', status: 503, grpc: 'UNAVAILABLE' },
  FENCED: { errorCode: 'ERR_ACTOR_FENCED', status: 409, grpc: 'ABORTED' },
  TIMEOUT: { errorCode: 'ERR_TIMEOUT', status: 504, grpc: 'DEADLINE_EXCEEDED' },
  CANCELLED: { errorCode: 'ERR_CANCELLED', status: 408, grpc: 'CANCELLED' },
  OVERLOADED: { errorCode: 'ERR_ACTOR_OVERLOADED', status: 429, grpc: 'RESOURCE_EXHAUSTED' },
  DEADLOCK: { errorCode: 'ERR_ACTOR_DEADLOCK', status: 409, grpc: 'ABORTED' },
  STACK_DEPTH: { errorCode: 'ERR_ACTOR_STACK_DEPTH', status: 500, grpc: 'RESOURCE_EXHAUSTED' },
  READ_ONLY: { errorCode: 'ERR_ACTOR_READ_ONLY', status: 500, grpc: 'FAILED_PRECONDITION' },
  FORBIDDEN: { errorCode: 'ERR_PERMISSION_DENIED', status: 403, grpc: 'PERMISSION_DENIED' },
  UNSUPPORTED: { errorCode: 'ERR_API_UNIMPLEMENTED', status: 501, grpc: 'UNIMPLEMENTED' },
  COMPONENT: { errorCode: 'ERR_COMPONENT', status: 500, grpc: 'INTERNAL' },
  INTERNAL: { errorCode: 'ERR_INTERNAL', status: 500, grpc: 'INTERNAL' },
} as const satisfies Record<ErrorCode, ErrorRow>;

/** What only the API raises, by a short name. */
export const API_ERRORS = {
  BAD_REQUEST: { errorCode: 'ERR_BAD_REQUEST', status: 400, grpc: 'INVALID_ARGUMENT' },
  MALFORMED_REQUEST: { errorCode: 'ERR_MALFORMED_REQUEST', status: 400, grpc: 'INVALID_ARGUMENT' },
  BODY_READ: { errorCode: 'ERR_BODY_READ', status: 400, grpc: 'INVALID_ARGUMENT' },
  BODY_TOO_LARGE: { errorCode: 'ERR_BODY_READ', status: 413, grpc: 'RESOURCE_EXHAUSTED' },
  HEADERS_TOO_LARGE: { errorCode: 'ERR_BAD_REQUEST', status: 431, grpc: 'RESOURCE_EXHAUSTED' },
  REQUEST_TIMEOUT: { errorCode: 'ERR_BODY_READ', status: 408, grpc: 'DEADLINE_EXCEEDED' },
  API_UNIMPLEMENTED: { errorCode: 'ERR_API_UNIMPLEMENTED', status: 501, grpc: 'UNIMPLEMENTED' },

  STATE_STORE_NOT_CONFIGURED: {
    errorCode: 'ERR_STATE_STORE_NOT_CONFIGURED',
    status: 500,
    grpc: 'FAILED_PRECONDITION',
    reason: 'DAPR_STATE_NOT_CONFIGURED',
  },
  STATE_STORE_NOT_FOUND: {
    errorCode: 'ERR_STATE_STORE_NOT_FOUND',
    status: 400,
    grpc: 'INVALID_ARGUMENT',
    reason: 'DAPR_STATE_NOT_FOUND',
  },
  STATE_ILLEGAL_KEY: {
    errorCode: 'ERR_MALFORMED_REQUEST',
    status: 400,
    grpc: 'INVALID_ARGUMENT',
    reason: 'DAPR_STATE_ILLEGAL_KEY',
    httpPrefix: 'api error: code = InvalidArgument desc = ',
  },
  STATE_TRANSACTIONS_NOT_SUPPORTED: {
    errorCode: 'ERR_STATE_STORE_NOT_SUPPORTED',
    status: 500,
    grpc: 'UNIMPLEMENTED',
    reason: 'DAPR_STATE_TRANSACTIONS_NOT_SUPPORTED',
  },
  STATE_QUERY_NOT_SUPPORTED: {
    errorCode: 'ERR_STATE_STORE_NOT_SUPPORTED',
    status: 500,
    grpc: 'INTERNAL',
    reason: 'DAPR_STATE_QUERYING_NOT_SUPPORTED',
  },
  STATE_OPERATION_NOT_SUPPORTED: {
    errorCode: 'ERR_NOT_SUPPORTED_STATE_OPERATION',
    status: 400,
    grpc: 'UNIMPLEMENTED',
    informs: true,
  },
  STATE_GET: { errorCode: 'ERR_STATE_GET', status: 500, grpc: 'INTERNAL', informs: true },
  STATE_BULK_GET: { errorCode: 'ERR_STATE_BULK_GET', status: 500, grpc: 'INTERNAL' },
  STATE_SAVE: { errorCode: 'ERR_STATE_SAVE', status: 500, grpc: 'INTERNAL', informs: true },
  STATE_SAVE_KEY_EMPTY: {
    errorCode: 'ERR_STATE_SAVE',
    status: 400,
    grpc: 'INVALID_ARGUMENT',
    informs: true,
  },
  STATE_SAVE_ETAG_MISMATCH: {
    errorCode: 'ERR_STATE_SAVE',
    status: 409,
    grpc: 'ABORTED',
    informs: true,
  },
  STATE_SAVE_ETAG_INVALID: {
    errorCode: 'ERR_STATE_SAVE',
    status: 400,
    grpc: 'INVALID_ARGUMENT',
    informs: true,
  },
  STATE_DELETE: { errorCode: 'ERR_STATE_DELETE', status: 500, grpc: 'INTERNAL', informs: true },
  STATE_DELETE_ETAG_MISMATCH: {
    errorCode: 'ERR_STATE_DELETE',
    status: 409,
    grpc: 'ABORTED',
    informs: true,
  },
  STATE_DELETE_ETAG_INVALID: {
    errorCode: 'ERR_STATE_DELETE',
    status: 400,
    grpc: 'INVALID_ARGUMENT',
    informs: true,
  },
  STATE_TRANSACTION: { errorCode: 'ERR_STATE_TRANSACTION', status: 500, grpc: 'INTERNAL' },

  PUBSUB_NOT_FOUND: {
    errorCode: 'ERR_PUBSUB_NOT_FOUND',
    status: 404,
    grpc: 'INVALID_ARGUMENT',
    reason: 'DAPR_PUBSUB_NOT_FOUND',
  },
  PUBSUB_NAME_EMPTY: {
    errorCode: 'ERR_PUBSUB_EMPTY',
    status: 404,
    grpc: 'INVALID_ARGUMENT',
    reason: 'DAPR_PUBSUB_NAME_EMPTY',
  },
  PUBSUB_TOPIC_EMPTY: {
    errorCode: 'ERR_TOPIC_NAME_EMPTY',
    status: 404,
    grpc: 'INVALID_ARGUMENT',
    reason: 'DAPR_PUBSUB_TOPIC_NAME_EMPTY',
  },
  PUBSUB_FORBIDDEN: {
    errorCode: 'ERR_PUBSUB_FORBIDDEN',
    status: 403,
    grpc: 'PERMISSION_DENIED',
    reason: 'DAPR_PUBSUB_FORBIDDEN',
  },
  PUBSUB_METADATA: {
    errorCode: 'ERR_PUBSUB_REQUEST_METADATA',
    status: 400,
    grpc: 'INVALID_ARGUMENT',
    reason: 'DAPR_PUBSUB_METADATA_DESERIALIZATION',
  },
  PUBSUB_CLOUD_EVENT: {
    errorCode: 'ERR_PUBSUB_CLOUD_EVENTS_SER',
    status: 500,
    grpc: 'INVALID_ARGUMENT',
    reason: 'DAPR_PUBSUB_CLOUD_EVENT_CREATION',
  },
  PUBSUB_MARSHAL_ENVELOPE: {
    errorCode: 'ERR_PUBSUB_EVENTS_SER',
    status: 400,
    grpc: 'INVALID_ARGUMENT',
    reason: 'DAPR_PUBSUB_MARSHAL_ENVELOPE',
  },
  PUBSUB_MARSHAL_EVENTS: {
    errorCode: 'ERR_PUBSUB_EVENTS_SER',
    status: 400,
    grpc: 'INVALID_ARGUMENT',
    reason: 'DAPR_PUBSUB_MARSHAL_EVENTS',
  },
  PUBSUB_UNMARSHAL_EVENTS: {
    errorCode: 'ERR_PUBSUB_EVENTS_SER',
    status: 400,
    grpc: 'INVALID_ARGUMENT',
    reason: 'DAPR_PUBSUB_UNMARSHAL_EVENTS',
  },
  PUBSUB_PUBLISH: {
    errorCode: 'ERR_PUBSUB_PUBLISH_MESSAGE',
    status: 500,
    grpc: 'INTERNAL',
    reason: 'DAPR_PUBSUB_PUBLISH_MESSAGE',
  },

  DIRECT_INVOKE: { errorCode: 'ERR_DIRECT_INVOKE', status: 500, grpc: 'INTERNAL' },
  DIRECT_INVOKE_FORBIDDEN: {
    errorCode: 'ERR_DIRECT_INVOKE',
    status: 403,
    grpc: 'PERMISSION_DENIED',
  },
  DIRECT_INVOKE_NO_APP_ID: { errorCode: 'ERR_DIRECT_INVOKE', status: 404, grpc: 'NOT_FOUND' },
  DIRECT_INVOKE_METHOD: { errorCode: 'ERR_DIRECT_INVOKE', status: 404, grpc: 'NOT_FOUND' },

  ACTOR_RUNTIME_NOT_FOUND: {
    errorCode: 'ERR_ACTOR_RUNTIME_NOT_FOUND',
    status: 500,
    grpc: 'INTERNAL',
  },
  ACTOR_INVOKE_METHOD: { errorCode: 'ERR_ACTOR_INVOKE_METHOD', status: 500, grpc: 'INTERNAL' },
  ACTOR_INSTANCE_MISSING: {
    errorCode: 'ERR_ACTOR_INSTANCE_MISSING',
    status: 400,
    grpc: 'INTERNAL',
  },
  ACTOR_TYPE_RESERVED: {
    errorCode: 'ERR_ACTOR_TYPE_RESERVED',
    status: 403,
    grpc: 'PERMISSION_DENIED',
  },
  ACTOR_STATE_GET: { errorCode: 'ERR_ACTOR_STATE_GET', status: 500, grpc: 'INTERNAL' },
  ACTOR_STATE_TRANSACTION: {
    errorCode: 'ERR_ACTOR_STATE_TRANSACTION_SAVE',
    status: 500,
    grpc: 'INTERNAL',
  },
  ACTOR_TIMER_CREATE: { errorCode: 'ERR_ACTOR_TIMER_CREATE', status: 500, grpc: 'INTERNAL' },
  ACTOR_REMINDER_CREATE: { errorCode: 'ERR_ACTOR_REMINDER_CREATE', status: 500, grpc: 'INTERNAL' },
  ACTOR_REMINDER_GET: { errorCode: 'ERR_ACTOR_REMINDER_GET', status: 500, grpc: 'INTERNAL' },
  ACTOR_REMINDER_DELETE: { errorCode: 'ERR_ACTOR_REMINDER_DELETE', status: 500, grpc: 'INTERNAL' },
  ACTOR_REMINDER_NOT_FOUND: {
    errorCode: 'ERR_ACTOR_REMINDER_NOT_FOUND',
    status: 404,
    grpc: 'NOT_FOUND',
  },
  ACTOR_REMINDER_ALREADY_EXISTS: {
    errorCode: 'ERR_ACTOR_REMINDER_ALREADY_EXISTS',
    status: 409,
    grpc: 'ALREADY_EXISTS',
  },
  ACTOR_STACK_DEPTH: {
    errorCode: 'ERR_ACTOR_STACK_DEPTH',
    status: 500,
    grpc: 'RESOURCE_EXHAUSTED',
  },
  ACTOR_REMINDER_NON_HOSTED: {
    errorCode: 'ERR_ACTOR_REMINDER_NON_HOSTED',
    status: 403,
    grpc: 'PERMISSION_DENIED',
  },

  HEALTH_NOT_READY: { errorCode: 'ERR_HEALTH_NOT_READY', status: 500, grpc: 'INTERNAL' },
  HEALTH_APPID_NOT_MATCH: {
    errorCode: 'ERR_HEALTH_APPID_NOT_MATCH',
    status: 500,
    grpc: 'INTERNAL',
  },
  OUTBOUND_HEALTH_NOT_READY: {
    errorCode: 'ERR_OUTBOUND_HEALTH_NOT_READY',
    status: 500,
    grpc: 'INTERNAL',
  },

  ...BLOCK_ERRORS,
} as const satisfies Record<string, ErrorRow>;

export type ApiErrorName = keyof typeof API_ERRORS;
