import { type Family, seconds, single } from './family.ts'

/** The process itself, under the names that Prometheus' client libraries have for that. */
export const processFamilies: readonly Family[] = [
  {
    name: 'warren_build_info',
    help: 'The version of this node.',
    type: 'gauge',
    labels: ['version', 'node'],
    read: ({ version }) => [{ labels: { version, node: process.versions.node }, value: 1 }],
  },
  single('gauge', 'warren_draining', 'Whether this node is stopping.', ({ draining }) => draining),
  single('gauge', 'process_start_time_seconds', 'When this node started.', ({ startedAt }) => seconds(startedAt)),
  single('counter', 'process_cpu_user_seconds_total', 'CPU time of the program itself.', ({ process }) => process.cpu.user),
  single(
    'counter',
    'process_cpu_system_seconds_total',
    'CPU time of the system on its behalf.',
    ({ process }) => process.cpu.system,
  ),
  single('counter', 'process_cpu_seconds_total', 'Both together.', ({ process }) => process.cpu.user + process.cpu.system),
  single('gauge', 'process_resident_memory_bytes', 'Memory in use.', ({ process }) => process.memory.rss),
  single('gauge', 'process_open_fds', 'Open file descriptors.', ({ process }) => process.descriptors),
  single('gauge', 'process_max_fds', 'How many of these there may be.', ({ process }) => process.maxDescriptors),
  single('gauge', 'nodejs_heap_size_used_bytes', 'Heap in use.', ({ process }) => process.memory.heapUsed),
  single('gauge', 'nodejs_heap_size_total_bytes', 'Heap in all.', ({ process }) => process.memory.heapTotal),
  single(
    'gauge',
    'nodejs_external_memory_bytes',
    'Memory outside of the heap, buffers included.',
    ({ process }) => process.memory.external,
  ),
  single(
    'gauge',
    'nodejs_eventloop_utilization',
    'Share of all time that the event loop was busy.',
    ({ process }) => process.utilization,
  ),
  single(
    'gauge',
    'nodejs_eventloop_lag_mean_seconds',
    'How late the event loop was since the last scrape.',
    ({ process }) => process.delay.mean,
  ),
  single('gauge', 'nodejs_eventloop_lag_p50_seconds', 'Half of the time it was not later.', ({ process }) => process.delay.p50),
  single('gauge', 'nodejs_eventloop_lag_p99_seconds', '99 % of the time it was not later.', ({ process }) => process.delay.p99),
  single('gauge', 'nodejs_eventloop_lag_max_seconds', 'It never was.', ({ process }) => process.delay.max),
]
