/** The counts of a deletion. */
export interface Removed {
  readonly sessions: number;
  /** All atoms, messages included. */
  readonly atoms: number;
  readonly messages: number;
}

export const NOTHING_REMOVED: Removed = { sessions: 0, atoms: 0, messages: 0 };

/** The sum of two deletions. */
export function addRemoved(left: Removed, right: Removed): Removed {
  return {
    sessions: left.sessions + right.sessions,
    atoms: left.atoms + right.atoms,
    messages: left.messages + right.messages,
  };
}
