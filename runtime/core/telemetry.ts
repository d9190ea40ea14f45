/**
 * What the runtime tells of itself: named measurements with labels. The names
 * and labels are those of daprd's metrics; who collects them, and whether
 * anybody does, is the host's choice.
 *
 * Source: Dapr's metrics reference and dapr.md 1.10.
 */

type Kind = 'counter' | 'gauge' | 'histogram';

export interface Family {
  readonly kind: Kind;
  readonly help: string;
  /** Beside `app_id`, which every family has. */
  readonly labels: readonly string[];
}

const counter = (help: string, ...labels: string[]): Family => ({ kind: 'counter', help, labels });
const gauge = (help: string, ...labels: string[]): Family => ({ kind: 'gauge', help, labels });
const histogram = (help: string, ...labels: string[]): Family => ({
  kind: 'histogram',
  help,
  labels,
});

const COMPONENT = ['component', 'namespace', 'operation', 'success'];
const RESILIENCY = ['flow_direction', 'name', 'namespace', 'policy', 'status', 'target'];

/** Counts and latencies of the kinds whose operations have names. */
function operations<K extends string>(kind: K, what: string) {
  return {
    [`component_${kind}_count`]: counter(`Operations of ${what}.`, ...COMPONENT),
    [`component_${kind}_latencies`]: histogram(`Latency of ${what}.`, ...COMPONENT),
  } as Record<`component_${K}_${'count' | 'latencies'}`, Family>;
}

/** Every family by its name without the prefix `dapr_`. Latencies are milliseconds. */
export const FAMILIES = {
  http_server_request_count: counter('HTTP requests begun.', 'method', 'path', 'status'),
  http_server_response_count: counter('HTTP responses.', 'method', 'path', 'status'),
  http_server_request_bytes: histogram('Size of HTTP request bodies.'),
  http_server_response_bytes: histogram('Size of HTTP response bodies.'),
  http_server_latency: histogram('Latency of HTTP requests.', 'method', 'path', 'status'),
  http_client_sent_bytes: histogram('Bytes sent to the app.', 'method', 'path', 'status'),
  http_client_roundtrip_latency: histogram('Latency of the app.', 'method', 'path', 'status'),
  http_client_completed_count: counter('Requests to the app.', 'method', 'path', 'status'),
  http_healthprobes_completed_count: counter('Health probes of the app.', 'status'),
  http_healthprobes_roundtrip_latency: histogram('Latency of health probes.', 'status'),
  grpc_io_server_completed_rpcs: counter(
    'gRPC calls served.',
    'grpc_server_method',
    'grpc_server_status',
  ),
  grpc_io_server_server_latency: histogram(
    'Latency of gRPC calls.',
    'grpc_server_method',
    'grpc_server_status',
  ),
  grpc_io_client_completed_rpcs: counter(
    'gRPC calls made.',
    'grpc_client_method',
    'grpc_client_status',
  ),
  grpc_io_client_roundtrip_latency: histogram(
    'Latency of gRPC calls made.',
    'grpc_client_method',
    'grpc_client_status',
  ),
  grpc_io_healthprobes_completed_count: counter('gRPC health probes.', 'grpc_client_status'),
  grpc_io_healthprobes_roundtrip_latency: histogram(
    'Latency of gRPC health probes.',
    'grpc_client_status',
  ),
  ...operations('state', 'state stores'),
  ...operations('output_binding', 'output bindings'),
  ...operations('secret', 'secret stores'),
  ...operations('configuration', 'configuration stores'),
  ...operations('crypto', 'cryptography'),
  component_input_binding_count: counter('Binding events.', 'component', 'namespace', 'success'),
  component_input_binding_latencies: histogram(
    'Latency of binding events.',
    'component',
    'namespace',
    'success',
  ),
  component_conversation_count: counter('Conversations.', 'component', 'namespace', 'success'),
  component_conversation_latencies: histogram(
    'Latency of conversations.',
    'component',
    'namespace',
    'success',
  ),
  component_pubsub_egress_count: counter(
    'Events published.',
    'component',
    'namespace',
    'success',
    'topic',
  ),
  component_pubsub_egress_latencies: histogram(
    'Latency of publishing.',
    'component',
    'namespace',
    'success',
    'topic',
  ),
  component_pubsub_egress_bulk_count: counter(
    'Bulk publishes.',
    'component',
    'namespace',
    'success',
    'topic',
  ),
  component_pubsub_egress_bulk_latencies: histogram(
    'Latency of bulk publishes.',
    'component',
    'namespace',
    'success',
    'topic',
  ),
  component_pubsub_ingress_count: counter(
    'Events delivered.',
    'component',
    'namespace',
    'process_status',
    'status',
    'topic',
  ),
  component_pubsub_ingress_latencies: histogram(
    'Latency of delivering.',
    'component',
    'namespace',
    'process_status',
    'status',
    'topic',
  ),
  component_pubsub_ingress_bulk_count: counter(
    'Bulk deliveries.',
    'component',
    'namespace',
    'process_status',
    'topic',
  ),
  component_pubsub_ingress_bulk_latencies: histogram(
    'Latency of bulk deliveries.',
    'component',
    'namespace',
    'process_status',
    'topic',
  ),
  component_pubsub_ingress_bulk_event_count: counter(
    'Events of bulk deliveries.',
    'component',
    'namespace',
    'process_status',
    'topic',
  ),
  component_job_success_count: counter('Job operations.', 'namespace', 'operation'),
  component_job_failure_count: counter('Failed job operations.', 'namespace', 'operation'),
  component_job_latencies: histogram('Latency of jobs.', 'namespace', 'operation', 'success'),
  runtime_component_loaded: gauge('Components loaded.'),
  runtime_component_init_total: counter('Components initialised.', 'component'),
  runtime_component_init_fail_total: counter(
    'Components that failed to initialise.',
    'component',
    'componentName',
    'reason',
  ),
  runtime_service_invocation_req_sent_total: counter('Invocations sent.', 'dst_app_id', 'type'),
  runtime_service_invocation_req_recv_total: counter('Invocations received.', 'src_app_id'),
  runtime_service_invocation_res_sent_total: counter(
    'Answers to invocations.',
    'dst_app_id',
    'status',
  ),
  runtime_service_invocation_res_recv_total: counter(
    'Answers received.',
    'src_app_id',
    'status',
    'type',
  ),
  runtime_service_invocation_res_recv_latency_ms: histogram(
    'Latency of invocations.',
    'src_app_id',
    'status',
  ),
  component_connections: gauge('Open connections of a component.', 'component', 'namespace'),
  component_in_flight: gauge(
    'Requests and events of a component that are under way.',
    'component',
    'namespace',
  ),
  runtime_actor_timers: gauge('Timers of actors.', 'actor_type'),
  runtime_actor_reminders: gauge('Reminders of actors.', 'actor_type'),
  runtime_actor_pending_actor_calls: gauge('Calls that wait for an actor.', 'actor_type'),
  runtime_actor_deactivated_total: counter('Actors put away.', 'actor_type'),
  runtime_actor_timers_fired_total: counter('Timers fired.', 'actor_type', 'success'),
  runtime_actor_reminders_fired_total: counter('Reminders fired.', 'actor_type', 'success'),
  resiliency_loaded: counter('Resiliency policies loaded.', 'name', 'namespace'),
  resiliency_count: counter('Uses of a resiliency policy.', ...RESILIENCY),
  resiliency_activations_total: counter('Times that a policy acted.', ...RESILIENCY),
  resiliency_cb_state: gauge('Whether a circuit breaker is in a state.', ...RESILIENCY),
  error_code_total: counter('Errors answered.', 'category', 'error_code'),
} as const satisfies Record<string, Family>;

export type FamilyName = keyof typeof FAMILIES;

/** A label that is undefined is shown empty. */
export type Labels = Readonly<Record<string, string | undefined>>;

export interface Telemetry {
  count(family: FamilyName, labels: Labels, by?: number): void;
  /** Milliseconds, or bytes where the family says so. */
  observe(family: FamilyName, labels: Labels, value: number): void;
  /** Sets a gauge. */
  set(family: FamilyName, labels: Labels, value: number): void;
}
