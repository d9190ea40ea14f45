/** A store as one HTML page: figures, hours as bars, a heat map a camera. No script, no network. Pure. */
import type { CameraView, HourView, StoreView } from './api.ts';

const escaped = (text: unknown): string =>
  String(text).replace(/[&<>"]/g, (letter) => `&#${letter.charCodeAt(0)};`);

const minutes = (tenths: number): string => (tenths / 600).toFixed(1);

const STYLE = `
body { font: 16px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 62rem; padding: 0 1rem; color: #1b1f2a; background: #fbfbf9 }
h1 { font-size: 1.5rem; margin: 0 } h2 { font-size: 1.05rem; margin: 2rem 0 .5rem }
.figures { display: flex; gap: 2.5rem; flex-wrap: wrap; margin: 1.2rem 0 }
.figures b { display: block; font-size: 1.9rem; line-height: 1.1; font-variant-numeric: tabular-nums }
.figures span, .note { color: #5c6270; font-size: .875rem }
table { border-collapse: collapse; font-variant-numeric: tabular-nums } td, th { padding: .2rem 1rem .2rem 0; text-align: right; font-weight: normal }
th { color: #5c6270; font-size: .875rem } td:first-child, th:first-child { text-align: left }
.cameras { display: grid; grid-template-columns: repeat(auto-fit, minmax(20rem, 1fr)); gap: 1.5rem } figure { margin: 0 }
img { width: 100%; border-radius: 4px; display: block } figcaption { margin-top: .4rem; font-size: .875rem }
.bar { fill: #c73a55 } .out { fill: #7a1f77 } .key { display: inline-block; width: .7em; height: .7em; background: #c73a55 } .other { background: #7a1f77 } text { font: 11px system-ui, sans-serif; fill: #5c6270 }`;

function figure(name: string, value: unknown): string {
  return `<div><b>${escaped(value)}</b><span>${escaped(name)}</span></div>`;
}

/** People in and out by hour, two bars each. */
function hoursChart(hours: readonly HourView[]): string {
  const shown = hours.slice(-24);
  const most = Math.max(1, ...shown.flatMap(({ counts }) => [counts.in, counts.out]));
  const bars = shown.map(({ hour, counts }, at) => {
    const x = at * 34;
    const bar = (value: number, side: number, name: string): string => {
      const height = (value / most) * 90;
      return `<rect class="${name}" x="${x + side}" y="${100 - height}" width="12" height="${height}"/>`;
    };
    const label = `<text x="${x + 13}" y="116" text-anchor="middle">${escaped(hour.slice(11))}</text>`;
    return `${bar(counts.in, 0, 'bar')}${bar(counts.out, 13, 'out')}${label}`;
  });
  const width = Math.max(80, shown.length * 34);
  return `<svg width="${width}" height="120" role="img" aria-label="people in and out by hour">${bars.join('')}</svg><div class="note"><b class="key"></b> in, <b class="key other"></b> out, at most ${most} an hour</div>`;
}

function cameraFigure(view: CameraView, png: string): string {
  const { camera, totals, reported, desired, lost } = view;
  const behind = desired && reported && reported.version !== desired.version;
  const notes = [
    `${totals.in} in, ${totals.out} out`,
    `${minutes(totals.presentTenths)} person-minutes`,
    ...(lost.events > 0 ? [`${lost.events} events lost`] : []),
    ...(behind ? [`settings ${desired.version} are not applied yet`] : []),
    ...(reported?.error ? [reported.error] : []),
  ];
  return `<figure><img alt="where people stood, ${escaped(camera)}" src="data:image/png;base64,${png}"><figcaption><b>${escaped(camera)}</b>: ${escaped(notes.join(', '))}</figcaption></figure>`;
}

/** @param pictures of each camera, a PNG in base64. */
export function pageOf(view: StoreView, pictures: readonly string[]): string {
  const sum = (pick: (camera: CameraView) => number): number =>
    view.cameras.reduce((total, camera) => total + pick(camera), 0);
  const visits = sum(({ totals }) => totals.visits);
  const alarms = view.alarms
    .toReversed()
    .map(
      ({ at, camera, alarm, zone, people, seconds }) =>
        `<tr><td>${new Date(at).toISOString().slice(0, 19).replace('T', ' ')}</td><td>${escaped(camera)}</td><td>${escaped(alarm === 'crowd' ? `crowd of ${people}` : `waiting in ${zone} for ${seconds} s`)}</td></tr>`,
    );
  const none = '<p class="note">None.</p>';
  return `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Store ${escaped(view.store)}</title><style>${STYLE}</style>
<h1>Store ${escaped(view.store)}</h1><div class="note">${view.region ? `Region ${escaped(view.region)}` : 'No region'}, times in UTC</div>
<div class="figures">${figure('in the store now', view.occupancy)}${figure(
    'came in',
    sum(({ totals }) => totals.in),
  )}${figure(
    'went out',
    sum(({ totals }) => totals.out),
  )}${figure('visits to zones', visits)}${figure(
    'events lost',
    sum(({ lost }) => lost.events),
  )}</div>
<h2>In and out by hour</h2>${hoursChart(view.hours)}
<h2>Where people stood</h2><div class="cameras">${view.cameras.map((camera, at) => cameraFigure(camera, pictures[at]!)).join('')}</div>
<h2>Alarms</h2>${alarms.length > 0 ? `<table><tr><th>when</th><th>camera</th><th>what</th></tr>${alarms.join('')}</table>` : none}</html>`;
}
