export { drawTimeline } from "./draw-timeline.ts";
export type { Columns, Lane, Mark, Moment, Picture, Span, Tone } from "./picture.ts";
