/** A store as it shows itself. Pure. */
import type { CameraView, StoreView } from './api.ts';
import type { Head, HourEntry } from './book.ts';

export function viewOf(store: string, head: Head, hours: readonly HourEntry[]): StoreView {
  const cameras = Object.entries(head.cameras).map(([camera, entry]): CameraView => {
    const { totals, occupancy, events, lost, through, desired, reported } = entry;
    const lines = Object.fromEntries(
      Object.entries(entry.lines).map(([line, [into, out]]) => [line, { in: into, out }]),
    );
    return { camera, totals, lines, occupancy, events, lost, through, desired, reported };
  });
  return {
    store,
    region: head.region,
    occupancy: cameras.reduce((sum, { occupancy }) => sum + occupancy, 0),
    cameras,
    hours: hours.map(({ counts, most }, at) => ({
      hour: head.hours[at]!,
      counts,
      mostPeople: most,
    })),
    alarms: head.alarms,
  };
}
