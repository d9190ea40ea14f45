/** The depots of the order day: where each stands and what drives from it. */
import type { DepotSite } from '../../actors/index.ts';

const depot = (lat: number, lon: number, vehicles: number): DepotSite => ({
  place: { lat, lon },
  // Cartons of 24 units, and the day of two drivers.
  fleets: [{ name: 'van', vehicles, capacity: 120, maxMinutes: 840 }],
  // Iterations, not seconds: every run of the day has to end with the same routes.
  budget: { iterations: 1500 },
  plans: 'when closed',
  compare: true,
});

export const DEPOTS: Readonly<Record<string, DepotSite>> = {
  uk: depot(52.8, -1.3, 40),
  ireland: depot(53.2, -7.7, 10),
  benelux: depot(51.4, 4.9, 10),
  france: depot(46.9, 2.6, 10),
  germany: depot(50.9, 10.2, 10),
  alps: depot(47.2, 11.3, 10),
  spain: depot(40.1, -3.4, 10),
  portugal: depot(39.5, -7.9, 10),
};
