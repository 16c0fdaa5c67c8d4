/** The parts of a picture of a run. All times are in milliseconds from its start. */

/** The meaning of a colour: a provider that is gone, silent, slow, on the way back, and so on. */
export type Tone =
  | "gone"
  | "silent"
  | "slow"
  | "returning"
  | "writer"
  | "acknowledged"
  | "local"
  | "gap"
  | "converging";

export interface Picture {
  readonly title: string;
  readonly subtitle: string;
  /** A description of the picture, for readers who cannot see it. */
  readonly description: string;
  readonly endMs: number;
  /** From top to bottom. */
  readonly lanes: readonly Lane[];
  /** Behind all lanes. */
  readonly spans?: readonly Span[];
  /** Lines across all lanes. */
  readonly moments?: readonly Moment[];
  readonly legend?: readonly { readonly tone: Tone; readonly text: string }[];
}

/** A strip with bars, where there are any to be had, and below it marks or columns. */
export interface Lane {
  readonly name: string;
  readonly bars?: readonly Span[];
  readonly marks?: readonly Mark[];
  readonly columns?: Columns;
}

export interface Span {
  readonly tone: Tone;
  readonly startMs: number;
  readonly endMs: number;
  /** Stands in a bar that is wide enough, else after it where there is room; read out in any case. */
  readonly label?: string;
}

/** Something that happened once. */
export interface Mark {
  readonly tone: Tone;
  readonly atMs: number;
  /** A few characters that stand in it, where marks do not crowd. */
  readonly text: string;
  readonly description: string;
}

export interface Moment {
  readonly atMs: number;
  readonly label: string;
}

/** The amount in each slot of time. The columns of all lanes have the same scale. */
export interface Columns {
  readonly tone: Tone;
  readonly slotMs: number;
  readonly counts: readonly number[];
}
