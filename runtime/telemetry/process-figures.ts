/** What Node tells of this process, under the names that Prometheus' clients give it. */
import { performance } from 'node:perf_hooks';
import { getHeapStatistics } from 'node:v8';
import { createNumber, header } from './exposition.ts';

const SECOND = 1e6;

/** The figures of now, as text. */
export function processFigures(): string {
  const { user, system } = process.cpuUsage();
  const { rss, external, heapTotal, heapUsed } = process.memoryUsage();
  const { utilization } = performance.eventLoopUtilization();
  return [
    figure('counter', 'process_cpu_user_seconds_total', 'User CPU time.', user / SECOND),
    figure('counter', 'process_cpu_system_seconds_total', 'System CPU time.', system / SECOND),
    figure('counter', 'process_cpu_seconds_total', 'CPU time.', (user + system) / SECOND),
    figure(
      'gauge',
      'process_start_time_seconds',
      'Start of the process since the epoch.',
      performance.timeOrigin / 1000,
    ),
    figure('gauge', 'process_resident_memory_bytes', 'Resident memory.', rss),
    figure('gauge', 'nodejs_heap_size_total_bytes', 'Size of the heap.', heapTotal),
    figure('gauge', 'nodejs_heap_size_used_bytes', 'Heap in use.', heapUsed),
    figure(
      'gauge',
      'nodejs_heap_size_limit_bytes',
      'Longest the heap may grow.',
      getHeapStatistics().heap_size_limit,
    ),
    figure('gauge', 'nodejs_external_memory_bytes', 'Memory outside the heap.', external),
    figure(
      'gauge',
      'nodejs_eventloop_utilization',
      'Share of its time that the event loop was busy, since the start.',
      utilization,
    ),
  ].join('');
}

function figure(kind: 'counter' | 'gauge', name: string, help: string, value: number): string {
  const series = createNumber(kind, '');
  if (kind === 'counter') series.add(value);
  else series.set(value);
  return header(name, { kind, help }) + series.lines(name);
}
