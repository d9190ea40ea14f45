/** A plan as one HTML page that needs nothing else: a map in SVG and a table of the routes. */
import type { PlanOutput } from '../../workers/protocol.ts';

type PlanMap = NonNullable<PlanOutput['map']>;

const SIDE = 900;
const MARGIN = 20;

function escape(text: unknown): string {
  return String(text).replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`);
}

/** Colours far apart for neighbouring numbers: steps of the golden angle. */
function colour(index: number): string {
  return `hsl(${((index * 137.508) % 360).toFixed(0)} 70% ${index % 2 === 0 ? 40 : 52}%)`;
}

export function drawPlan(output: PlanOutput, { depots, customers }: PlanMap): string {
  const { instance, cost, routes, seconds, iterations, feasible, problems } = output;
  const all = [...depots, ...customers];
  const least = (values: number[]) => values.reduce((a, b) => Math.min(a, b), Infinity);
  const most = (values: number[]) => values.reduce((a, b) => Math.max(a, b), -Infinity);
  const [xs, ys] = [all.map(({ x }) => x), all.map(({ y }) => y)];
  const [left, low] = [least(xs), least(ys)];
  const span = Math.max(most(xs) - left, most(ys) - low, 1e-9);
  const scale = (SIDE - 2 * MARGIN) / span;
  const at = ({ x, y }: { x: number; y: number }): string =>
    `${(MARGIN + (x - left) * scale).toFixed(1)},${(SIDE - MARGIN - (y - low) * scale).toFixed(1)}`;
  const siteOf = new Map(customers.map((site) => [site.id, site]));
  const depotOf = (name: string) =>
    depots.find(({ id }) => id === output.depots[name]) ?? depots[0]!;

  const lines = routes.map(({ fleet, stops }, index) => {
    const depot = at(depotOf(fleet));
    const points = [depot, ...stops.map((id) => at(siteOf.get(id)!)), depot].join(' ');
    const title = `<title>Route ${index + 1}: ${stops.length} stops</title>`;
    return `<polyline points="${points}" stroke="${colour(index)}">${title}</polyline>`;
  });
  const served = new Set(routes.flatMap(({ stops }) => stops));
  const dots = customers.map((site) => {
    const [x, y] = at(site).split(',');
    const missing = served.has(site.id) ? '' : ' class="missing"';
    return `<circle cx="${x}" cy="${y}" r="3"${missing}><title>${escape(site.id)}</title></circle>`;
  });
  const houses = depots.map((site) => {
    const [x, y] = at(site).split(',').map(Number) as [number, number];
    return `<rect x="${x - 7}" y="${y - 7}" width="14" height="14"><title>depot ${escape(site.id)}</title></rect>`;
  });
  const rows = routes.map(
    ({ fleet, stops }, index) =>
      `<tr><td style="color:${colour(index)}">${index + 1}</td><td>${escape(fleet)}</td><td>${stops.length}</td><td>${escape(stops.join(' '))}</td></tr>`,
  );
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${escape(instance)}: routes</title>
<style>
body { font: 15px/1.4 system-ui, sans-serif; margin: 1.5rem; color: #222; background: #fff }
svg { width: min(100%, ${SIDE}px); border: 1px solid #ccc }
polyline { fill: none; stroke-width: 1.6; stroke-linejoin: round }
polyline:hover { stroke-width: 5 }
circle { fill: #333 }
.missing { fill: #d00; stroke: #d00; stroke-width: 5 }
table { border-collapse: collapse }
td, th { text-align: left; padding: .1rem .8rem .1rem 0; vertical-align: top }
</style>
<h1>${escape(instance)}</h1>
<p>Distance ${escape(Number(cost.toFixed(2)))}, ${routes.length} routes, ${customers.length} customers; ${seconds.toFixed(1)} s, ${iterations} iterations.${feasible ? '' : ' Not feasible.'}</p>
${problems.map((problem) => `<p>${escape(problem)}</p>`).join('\n')}
<svg viewBox="0 0 ${SIDE} ${SIDE}" role="img" aria-label="Map of the routes">
${[...lines, ...dots, ...houses].join('\n')}
</svg>
<table><tr><th>Route</th><th>Fleet</th><th>Stops</th><th>Customers in order</th></tr>
${rows.join('\n')}
</table>
</html>
`;
}
