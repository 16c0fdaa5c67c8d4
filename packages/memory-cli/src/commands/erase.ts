import { createHash } from "node:crypto";
import { open, rm, type FileHandle } from "node:fs/promises";
import { MemoryError, type ErasureReceipt, type ErasureResidue, type MemoryStorage } from "@rivet/memory-core";
import type { Command } from "commander";
import { defineCommand, type Context, type Outcome } from "../command.ts";
import { EXIT } from "../exit-codes.ts";
import { countJournaled, unnamedJournal } from "../storage/journal.ts";
import { version } from "../package-version.ts";
import { storageName } from "../storage/storage-name.ts";
import { removeWithConsent, withRemovalOptions, type RemovalOptions } from "../removal.ts";
import { parseFile } from "../arguments.ts";
import { usage } from "../usage-error.ts";
import { hasProviders } from "./replicated.ts";

interface Options extends RemovalOptions {
  readonly user: string;
  readonly receipt?: string;
}

/** The receipt of an erasure. It contains nothing of the erased data. */
interface Receipt {
  readonly format: "rivet-memory erasure receipt";
  readonly version: 1;
  readonly storage: string;
  /** The SHA-256 of the user id: only a reader who knows the id can tell whose receipt this is. */
  readonly userIdSha256: string;
  readonly erasedAt: string;
  readonly sessions: number;
  readonly atoms: number;
  readonly messages: number;
  /** The stores that no longer contain anything of the user. */
  readonly erasedFrom: readonly string[];
  /** The stores that still contain something, or could not be reached. The erasure will be delivered to them. */
  readonly pending: readonly string[];
  /** Places that may still contain erased bytes, though no read returns them, and the steps that remove them. */
  readonly residue: readonly ErasureResidue[];
  readonly tool: string;
}

type SignedReceipt = Receipt & { readonly sha256: string };

/** The name of the local journal in a receipt. */
const JOURNAL = "local journal";
const UNNAMED_JOURNAL = "local journal that was not named";

const LEFT: Readonly<Record<string, string>> = {
  [JOURNAL]: "The local journal holds atoms that were saved meanwhile: stop what writes for the user, and erase again.",
  [UNNAMED_JOURNAL]: unnamedText("the usual place of the local journal"),
};

function unnamedText(path: string): string {
  return `A file at ${path} was not looked into, as nobody named it: when agents keep their journal there, erase again with --journal.`;
}

/** The number of deletions before the command gives up: other writers may save for the user in the meantime. */
const MAX_ROUNDS = 20;

export function eraseCommand(): Command {
  return defineCommand<[string], Options>({
    usage: "erase <url>",
    description:
      "Erases all that belongs to a user, in every store, the journal included, and writes a receipt. It cannot be undone.",
    examples: [
      ["erase postgres: --user ada --dry-run", "counts what would go"],
      ["erase postgres: --user ada --yes --receipt ada.json", "erases, and writes the receipt"],
    ],
    usesJournal: true,
    configure: (command) =>
      withRemovalOptions(command)
        .requiredOption("--user <id>", "whose")
        .option("--receipt <file>", "write the receipt there; it must not exist yet", parseFile),
    run: (context, [url], options) => {
      const { user, receipt: file } = options;
      return removeWithConsent(context, options, {
        name: "erase",
        count: async () => countOf(context, await context.open(url), user),
        remove: async () => {
          const storage = await context.openToChange(url);
          return outcomeOf(await signedInto(file, () => erase(context, storage, url, user)), file);
        },
      });
    },
  });
}

/** Creates the receipt file before erasing anything, because the erasure cannot be repeated to produce it. */
async function signedInto(file: string | undefined, work: () => Promise<Receipt>): Promise<SignedReceipt> {
  const handle = file === undefined ? undefined : await newFile(file);
  try {
    const receipt = await work();
    const signed = { ...receipt, sha256: sha256(JSON.stringify(receipt)) };
    await handle?.writeFile(`${JSON.stringify(signed, undefined, 2)}\n`);
    await handle?.sync();
    return signed;
  } catch (error) {
    if (file !== undefined) await rm(file, { force: true });
    throw error;
  } finally {
    await handle?.close();
  }
}

async function newFile(file: string): Promise<FileHandle> {
  try {
    return await open(file, "wx", 0o600);
  } catch (error) {
    const reason = error instanceof Error && "code" in error ? String(error.code) : "unknown";
    throw usage(`the receipt cannot be written to ${file}, which must be new (${reason}); nothing was erased`);
  }
}

async function countOf({ journalPath }: Context, storage: MemoryStorage, userId: string): Promise<Outcome> {
  let [sessions, atoms] = [0, 0];
  for await (const _ of storage.sessions({ userId })) sessions += 1;
  for await (const _ of storage.atoms({ userId })) atoms += 1;
  const journaled = await countJournaled(storage, journalPath, userId);
  const inJournal = journaled === 0 ? "" : `, and ${journaled} that wait in the local journal,`;
  const unnamed = unnamedJournal(storage, journalPath);
  return {
    json: { isDryRun: true, sessions, atoms, journaled },
    text: [
      `${atoms} atoms in ${sessions} sessions${inJournal} would be erased. Nothing was changed.`,
      ...(unnamed === undefined ? [] : [unnamedText(unnamed)]),
    ].join("\n"),
  };
}

async function erase(
  { signal, journalPath }: Context,
  storage: MemoryStorage,
  url: string,
  userId: string,
): Promise<Receipt> {
  const total = { sessions: 0, atoms: 0, messages: 0 };
  let last: ErasureReceipt;
  let rounds = 0;
  do {
    signal.throwIfAborted();
    if (rounds++ === MAX_ROUNDS) throw writersGoOn();
    last = await storage.deleteUser(userId);
    total.sessions += last.sessions;
    total.atoms += last.atoms;
    total.messages += last.messages;
  } while (last.atoms > 0);
  const { erasedFrom, pending } = await everywhere(storage, last, signal);
  const isJournalEmpty = (await countJournaled(storage, journalPath, userId)) === 0;
  return {
    format: "rivet-memory erasure receipt",
    version: 1,
    storage: storageName(url),
    userIdSha256: sha256(userId),
    erasedAt: last.erasedAt.toISOString(),
    ...total,
    erasedFrom,
    pending: [
      ...pending,
      ...(isJournalEmpty ? [] : [JOURNAL]),
      ...(unnamedJournal(storage, journalPath) === undefined ? [] : [UNNAMED_JOURNAL]),
    ],
    residue: last.residue,
    tool: `@rivet/memory-cli ${version()}`,
  };
}

function writersGoOn(): MemoryError {
  return new MemoryError({
    code: "unavailable",
    message: `after ${MAX_ROUNDS} rounds there was still more of the user: stop what writes for it, and erase again`,
    operation: "erase",
  });
}

/** Several providers: each is brought what was deleted now, and not when its turn comes. */
async function everywhere(
  storage: MemoryStorage,
  { acceptedBy }: ErasureReceipt,
  signal: AbortSignal,
): Promise<Pick<Receipt, "erasedFrom" | "pending">> {
  if (!hasProviders(storage) || storage.db.providerNames.length === 1) {
    return { erasedFrom: acceptedBy, pending: [] };
  }
  const { providers, skipped } = await storage.repair({ signal });
  return { erasedFrom: providers, pending: skipped };
}

function outcomeOf(receipt: SignedReceipt, file: string | undefined): Outcome {
  const { atoms, sessions, erasedFrom, pending } = receipt;
  return {
    json: receipt,
    text: [
      `${atoms} atoms in ${sessions} sessions erased from ${erasedFrom.join(", ") || receipt.storage}.`,
      ...pending.map(
        (name) =>
          LEFT[name] ??
          `${name} could not be reached: it is erased there when it is back; until then, erase again to be sure.`,
      ),
      ...residueLines(receipt.residue),
      ...(file === undefined ? [] : [`Receipt: ${file} (SHA-256 ${receipt.sha256})`]),
    ].join("\n"),
    exitCode: pending.length > 0 ? EXIT.found : EXIT.fine,
  };
}

/** A database server always keeps some, for a while; of a file it is worth a line each. */
function residueLines(residue: readonly ErasureResidue[]): string[] {
  const isKeptByServer = ({ reason }: ErasureResidue): boolean => reason === "vacuum" || reason === "retention";
  const stores = [...new Set(residue.filter(isKeptByServer).map(({ store }) => store))];
  return [
    ...residue
      .filter((left) => !isKeptByServer(left))
      .map(({ store, until }) => `${store} may still hold bytes of it. ${until}`),
    ...(stores.length === 0
      ? []
      : [
          `${stores.join(", ")} keeps dead rows, its log and backups for a while: the receipt says until when (residue).`,
        ]),
  ];
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
