/** The part of the error table that belongs to the smaller building blocks; error-map.ts puts it with the others. */
import type { ErrorRow } from './error-map.ts';

export const BLOCK_ERRORS = {
  APP_CHANNEL_MISSING: { errorCode: 'ERR_APP_CHANNEL_NIL', status: 500, grpc: 'INTERNAL' },

  PUBSUB_OUTBOX: {
    errorCode: 'ERR_PUBLISH_OUTBOX',
    status: 500,
    grpc: 'INTERNAL',
    reason: 'DAPR_PUBSUB_OUTBOX',
  },

  SECRET_STORES_NOT_CONFIGURED: {
    errorCode: 'ERR_SECRET_STORES_NOT_CONFIGURED',
    status: 500,
    grpc: 'FAILED_PRECONDITION',
  },
  SECRET_STORE_NOT_FOUND: {
    errorCode: 'ERR_SECRET_STORE_NOT_FOUND',
    status: 401,
    grpc: 'INVALID_ARGUMENT',
  },
  SECRET_FORBIDDEN: { errorCode: 'ERR_PERMISSION_DENIED', status: 403, grpc: 'PERMISSION_DENIED' },
  SECRET_GET: { errorCode: 'ERR_SECRET_GET', status: 500, grpc: 'INTERNAL' },

  CONFIGURATION_STORES_NOT_CONFIGURED: {
    errorCode: 'ERR_CONFIGURATION_STORE_NOT_CONFIGURED',
    status: 500,
    grpc: 'FAILED_PRECONDITION',
    informs: true,
  },
  CONFIGURATION_STORE_NOT_FOUND: {
    errorCode: 'ERR_CONFIGURATION_STORE_NOT_FOUND',
    status: 400,
    grpc: 'INVALID_ARGUMENT',
    informs: true,
  },
  CONFIGURATION_GET: {
    errorCode: 'ERR_CONFIGURATION_GET',
    status: 500,
    grpc: 'INTERNAL',
    informs: true,
  },
  CONFIGURATION_SUBSCRIBE: {
    errorCode: 'ERR_CONFIGURATION_SUBSCRIBE',
    status: 500,
    grpc: 'INVALID_ARGUMENT',
    informs: true,
  },
  CONFIGURATION_UNSUBSCRIBE: {
    errorCode: 'ERR_CONFIGURATION_UNSUBSCRIBE',
    status: 500,
    grpc: 'INTERNAL',
  },

  LOCK_STORES_NOT_CONFIGURED: {
    errorCode: 'ERR_LOCK_STORE_NOT_CONFIGURED',
    status: 500,
    grpc: 'FAILED_PRECONDITION',
  },
  LOCK_STORE_NOT_FOUND: {
    errorCode: 'ERR_LOCK_STORE_NOT_FOUND',
    status: 400,
    grpc: 'INVALID_ARGUMENT',
  },
  LOCK_REQUEST: { errorCode: 'ERR_MALFORMED_REQUEST', status: 400, grpc: 'INVALID_ARGUMENT' },
  LOCK_TRY: { errorCode: 'ERR_TRY_LOCK', status: 500, grpc: 'INTERNAL' },
  LOCK_UNLOCK: { errorCode: 'ERR_UNLOCK', status: 500, grpc: 'INTERNAL' },

  SERVICE_NOT_FOUND: { errorCode: 'ERR_SERVICE_NOT_FOUND', status: 404, grpc: 'NOT_FOUND' },
  SERVICES_FULL: { errorCode: 'ERR_SERVICES_FULL', status: 429, grpc: 'RESOURCE_EXHAUSTED' },

  BINDING_INVOKE: {
    errorCode: 'ERR_INVOKE_OUTPUT_BINDING',
    status: 500,
    grpc: 'INTERNAL',
    informs: true,
  },

  CRYPTO_NOT_CONFIGURED: {
    errorCode: 'ERR_CRYPTO_PROVIDERS_NOT_CONFIGURED',
    status: 500,
    grpc: 'INTERNAL',
  },
  CRYPTO_NOT_FOUND: {
    errorCode: 'ERR_CRYPTO_PROVIDER_NOT_FOUND',
    status: 400,
    grpc: 'INVALID_ARGUMENT',
  },
  CRYPTO_OPERATION: { errorCode: 'ERR_CRYPTO', status: 500, grpc: 'INTERNAL' },

  CONVERSATION_NOT_FOUND: {
    errorCode: 'ERR_CONVERSATION_NOT_FOUND',
    status: 400,
    grpc: 'INVALID_ARGUMENT',
  },
  CONVERSATION_INPUTS: {
    errorCode: 'ERR_CONVERSATION_MISSING_INPUTS',
    status: 400,
    grpc: 'INVALID_ARGUMENT',
  },
  CONVERSATION_PARAMETERS: {
    errorCode: 'ERR_CONVERSATION_INVALID_PARMS',
    status: 400,
    grpc: 'INVALID_ARGUMENT',
  },
  CONVERSATION_INVOKE: { errorCode: 'ERR_CONVERSATION_INVOKE', status: 500, grpc: 'INTERNAL' },

  JOB_NAME_IN_BODY: {
    errorCode: 'DAPR_SCHEDULER_JOB_NAME',
    status: 400,
    grpc: 'INVALID_ARGUMENT',
    reason: 'DAPR_SCHEDULER_JOB_NAME',
  },
  JOB_EMPTY: {
    errorCode: 'DAPR_SCHEDULER_EMPTY',
    status: 400,
    grpc: 'INVALID_ARGUMENT',
    reason: 'DAPR_SCHEDULER_EMPTY',
  },
  JOB_NAME_EMPTY: {
    errorCode: 'DAPR_SCHEDULER_JOB_NAME_EMPTY',
    status: 400,
    grpc: 'INVALID_ARGUMENT',
    reason: 'DAPR_SCHEDULER_JOB_NAME_EMPTY',
  },
  JOB_SCHEDULE_EMPTY: {
    errorCode: 'DAPR_SCHEDULER_SCHEDULE_EMPTY',
    status: 400,
    grpc: 'INVALID_ARGUMENT',
    reason: 'DAPR_SCHEDULER_SCHEDULE_EMPTY',
  },
  JOB_SCHEDULE: {
    errorCode: 'DAPR_SCHEDULER_SCHEDULE_JOB',
    status: 500,
    grpc: 'INTERNAL',
    reason: 'DAPR_SCHEDULER_SCHEDULE_JOB',
  },
  JOB_EXISTS: {
    errorCode: 'DAPR_SCHEDULER_SCHEDULE_JOB',
    status: 409,
    grpc: 'ALREADY_EXISTS',
    reason: 'DAPR_SCHEDULER_SCHEDULE_JOB',
  },
  JOB_GET: {
    errorCode: 'DAPR_SCHEDULER_GET_JOB',
    status: 500,
    grpc: 'INTERNAL',
    reason: 'DAPR_SCHEDULER_GET_JOB',
  },
  JOB_LIST: {
    errorCode: 'DAPR_SCHEDULER_LIST_JOBS',
    status: 500,
    grpc: 'INTERNAL',
    reason: 'DAPR_SCHEDULER_LIST_JOBS',
  },
  JOB_DELETE: {
    errorCode: 'DAPR_SCHEDULER_DELETE_JOB',
    status: 500,
    grpc: 'INTERNAL',
    reason: 'DAPR_SCHEDULER_DELETE_JOB',
  },
} as const satisfies Record<string, ErrorRow>;
