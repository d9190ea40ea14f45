/** What is found of the people in frames that were labelled by hand, on those that no setting was chosen by. */
import type { Aim, Question } from '../harness/question.ts';
import { figure, table } from '../harness/report.ts';
import { CLIPS, requireFootage, watchFile } from './footage.ts';
import { crossingsOf, labelsOf, scoreCrossings, scoreFrames, type Part } from './labels.ts';

const percent = (part: number, all: number): string =>
  all === 0 ? '-' : `${figure((100 * part) / all)} %`;

export const labelledQuestion: Question = {
  name: 'labels',
  title: 'People and crossings found, against labels made by hand before the detector',
  check: requireFootage,
  async ask(_scale, progress) {
    const rows: string[][] = [];
    const aims: Aim[] = [];
    for (const clip of CLIPS) {
      for (const fps of [clip.rate, 5]) {
        progress(`${clip.name} at ${fps} frames a second`);
        const { events, trace } = await watchFile(clip.path, clip.rate, { fps });
        const step = Math.max(1, Math.round(clip.rate / fps));
        for (const part of ['tune', 'held'] as const satisfies readonly Part[]) {
          const labels = labelsOf(clip.name).filter(
            (label) => label.part === part && label.frame % step === 0,
          );
          const score = scoreFrames(labels, trace);
          const first = part === 'tune' ? 0 : labels[0]!.frame;
          const last = part === 'tune' ? labels.at(-1)!.frame : Infinity;
          const ofPart = events.filter(({ at }) => {
            const frame = (at / 1000) * clip.rate;
            return frame >= first && frame <= last;
          });
          const crossings = scoreCrossings(
            crossingsOf(clip.name).filter((crossing) => crossing.part === part),
            ofPart,
            clip.rate,
          );
          rows.push([
            `${clip.name}, ${part === 'tune' ? 'for tuning' : 'held back'}, ${fps}/s`,
            String(score.frames),
            `${score.found}/${score.people} = ${percent(score.found, score.people)}`,
            `${score.wholeFound}/${score.whole}`,
            String(score.false),
            figure(score.countError / score.frames),
            `${crossings.met}/${crossings.labelled}`,
            String(crossings.extra),
          ]);
          if (part === 'tune' || fps !== clip.rate) continue;
          const what = `${clip.name}, held back`;
          aims.push(
            {
              what: `recall, ${what}`,
              unit: '%',
              better: 'higher',
              measured: (100 * score.found) / score.people,
            },
            {
              what: `count error a frame, ${what}`,
              unit: 'people',
              better: 'lower',
              measured: score.countError / score.frames,
            },
          );
        }
      }
    }
    const head = [
      '',
      'frames',
      'people found',
      'of whole ones',
      'false',
      'count error',
      'crossings',
    ];
    return {
      results: [],
      aims,
      table: table([...head, 'extra'], rows),
      notes: [
        'Found: the box of an answer shares 0.3 of both with the label. Whole: more than a third of the body shows.',
        'Count error: mean difference between people counted and labelled, a frame. A crossing is met within 10 frames.',
        'The aisle has two people in its first frame and never shows what is behind them.',
      ],
    };
  },
};
