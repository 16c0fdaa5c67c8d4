import type { ReactNode } from "react";
import { duration } from "../format.ts";

const WIDTH = 160;
const HEIGHT = 36;
const SAMPLES = 120;

/** Latencies over the last two minutes; where there are none, nothing is drawn. */
export function Sparkline({ latencies }: { latencies: readonly (number | null)[] }): ReactNode {
  const values = latencies.filter((value) => value !== null);
  const largest = Math.max(...values, 0.001);
  if (values.length === 0) return <p className="quiet">No statement was answered yet.</p>;
  const points = latencies.map((value, index): [number, number] | undefined =>
    value === null
      ? undefined
      : [((SAMPLES - latencies.length + index) / (SAMPLES - 1)) * WIDTH, HEIGHT - 2 - (value / largest) * (HEIGHT - 4)],
  );
  return (
    <svg
      className="sparkline"
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      preserveAspectRatio="none"
      role="img"
      aria-label={`Median latency over two minutes, at most ${duration(largest)}`}
    >
      <path d={pathThrough(points)} />
    </svg>
  );
}

function pathThrough(points: readonly ([number, number] | undefined)[]): string {
  return points
    .map((point, index) => {
      if (point === undefined) return "";
      const isStart = points[index - 1] === undefined;
      const [x, y] = point;
      // A lone sample is a dot.
      const end = isStart && points[index + 1] === undefined ? "h0.1" : "";
      return `${isStart ? "M" : "L"}${x.toFixed(1)} ${y.toFixed(1)}${end}`;
    })
    .join("");
}
