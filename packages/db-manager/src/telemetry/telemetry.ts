/**
 * Spans and metrics for OpenTelemetry, if the application has installed `@opentelemetry/api`; without it there is no
 * telemetry and no cost. They follow the stable conventions of 2025 and later:
 * https://opentelemetry.io/docs/specs/semconv/db/postgresql/,
 * https://opentelemetry.io/docs/specs/semconv/db/database-spans/ and
 * https://opentelemetry.io/docs/specs/semconv/db/database-metrics/.
 *
 * They never contain values of parameters, texts without parameters, messages of the server (which quote values), users
 * or passwords. A fault of an SDK, an exporter or a sampler never affects the observed operation.
 */
import type * as opentelemetry from "@opentelemetry/api";
import type { Attributes, Counter, Histogram, Span, Tracer } from "@opentelemetry/api";
import type { DatabaseError } from "../errors/errors.ts";
import type { ProviderSettings } from "../configuration/options.ts";
import type { NamedStatement } from "../manager/queryable.ts";
import { observeBacklog, observeProviders, type Backlog, type StatsByProvider } from "./telemetry-gauges.ts";

type Api = typeof opentelemetry;

interface Instruments {
  readonly api: Api;
  readonly tracer: Tracer;
  readonly duration: Histogram;
  readonly failovers: Counter;
  readonly hedges: Counter;
}

const SCOPE = "@rivet/db-manager";
/** The boundaries that the conventions recommend for `db.client.operation.duration`. */
const DURATION_BOUNDARIES_S = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10];

const installed = load();

/** The telemetry of one manager. It uses the meters of the SDK that is registered when the manager is made. */
export class Telemetry {
  readonly #instruments: Instruments;
  readonly #nowMs: () => number;
  readonly #unobserve: (() => void) | undefined;

  private constructor(api: Api, nowMs: () => number, stats: () => StatsByProvider) {
    const meter = api.metrics.getMeter(SCOPE);
    this.#nowMs = nowMs;
    this.#instruments = {
      api,
      tracer: api.trace.getTracer(SCOPE),
      duration: meter.createHistogram("db.client.operation.duration", {
        description: "Duration of database client operations.",
        unit: "s",
        advice: { explicitBucketBoundaries: DURATION_BOUNDARIES_S },
      }),
      failovers: meter.createCounter("rivet.db.failovers", {
        description: "Operations that failed over from this provider to another.",
        unit: "{operation}",
      }),
      hedges: meter.createCounter("rivet.db.hedges", {
        description: "Operations that were also sent to another provider, because this one was silent.",
        unit: "{operation}",
      }),
    };
    this.#unobserve = observeProviders(meter, stats);
  }

  /** @returns undefined if `@opentelemetry/api` is not installed. */
  static start(nowMs: () => number, stats: () => StatsByProvider): Telemetry | undefined {
    return installed && safely(() => new Telemetry(installed, nowMs, stats));
  }

  forProvider(settings: ProviderSettings): ProviderTelemetry {
    return new ProviderTelemetry(this.#instruments, this.#nowMs, settings);
  }

  /** @returns a function that stops the observation. */
  observeBacklog(read: () => Promise<readonly Backlog[]>): (() => void) | undefined {
    const meter = this.#instruments.api.metrics.getMeter(SCOPE);
    const unobserve = safely(() => observeBacklog(meter, read));
    return unobserve && (() => void safely(unobserve));
  }

  close(): void {
    safely(() => this.#unobserve?.());
  }
}

/** The telemetry of one provider. */
export class ProviderTelemetry {
  readonly #instruments: Instruments;
  readonly #nowMs: () => number;
  readonly #place: Attributes;
  readonly #target: string;
  readonly #counted: Attributes;

  constructor(instruments: Instruments, nowMs: () => number, { name, fields }: ProviderSettings) {
    const { host, port, place, database, user } = fields;
    const isSocket = host.startsWith("/");
    // If an address names no database, the database is the user's name, which must not be exported.
    const namespace = database === user ? undefined : database;
    this.#instruments = instruments;
    this.#nowMs = nowMs;
    this.#target = namespace ?? place;
    this.#counted = { "rivet.provider": name };
    this.#place = {
      "db.system.name": "postgresql",
      ...(namespace === undefined ? {} : { "db.namespace": namespace }),
      "server.address": isSocket ? place : host,
      ...(isSocket ? {} : { "server.port": port }),
      "rivet.provider": name,
    };
  }

  countFailover(): void {
    safely(() => this.#instruments.failovers.add(1, this.#counted));
  }

  countHedge(): void {
    safely(() => this.#instruments.hedges.add(1, this.#counted));
  }

  /** Starts a span, as a child of the caller's, for a statement that is about to be sent. */
  send(statement: string | NamedStatement, values: readonly unknown[] | undefined): StatementTelemetry {
    const place = this.#place;
    const { api, tracer, duration } = this.#instruments;
    const span = safely(() => {
      const attributes =
        values === undefined || values.length === 0
          ? place
          : { ...place, "db.query.text": typeof statement === "string" ? statement : statement.text };
      return tracer.startSpan(this.#target, { kind: api.SpanKind.CLIENT, attributes });
    });
    const init = { span, place, target: this.#target, errorStatus: api.SpanStatusCode.ERROR };
    return new StatementTelemetry(init, duration, this.#nowMs);
  }
}

interface StatementInit {
  readonly span: Span | undefined;
  readonly place: Attributes;
  readonly target: string;
  readonly errorStatus: number;
}

/** The telemetry of one statement at one provider, from its sending to its end. */
class StatementTelemetry {
  readonly #init: StatementInit;
  readonly #duration: Histogram;
  readonly #nowMs: () => number;
  readonly #startMs: number;

  constructor(init: StatementInit, duration: Histogram, nowMs: () => number) {
    this.#init = init;
    this.#duration = duration;
    this.#nowMs = nowMs;
    this.#startMs = nowMs();
  }

  /** @param command the command tag of the server; the conventions forbid parsing the text for it. */
  answered(command: string): void {
    if (command === "") {
      this.#end({});
      return;
    }
    const { span, target } = this.#init;
    safely(() => span?.updateName(`${command} ${target}`));
    this.#end({ "db.operation.name": command });
  }

  failed({ code, sqlState }: DatabaseError): void {
    const { span, errorStatus } = this.#init;
    safely(() => span?.setStatus({ code: errorStatus }));
    this.#end({
      "error.type": sqlState ?? code,
      ...(sqlState === undefined ? {} : { "db.response.status_code": sqlState }),
    });
  }

  #end(outcome: Attributes): void {
    const { span, place } = this.#init;
    const durationS = (this.#nowMs() - this.#startMs) / 1000;
    safely(() => span?.setAttributes(outcome));
    safely(() => span?.end());
    safely(() => this.#duration.record(durationS, { ...place, ...outcome }));
  }
}

function load(): Api | undefined {
  return safely((): Api => {
    // A static import would make the package mandatory; a dynamic one would be too late for the first statements.
    // Bundlers follow `require`, and `createRequire` of an imported module (webpack under any name), and fail if the
    // package is not installed.
    return process.getBuiltinModule("node:module").createRequire(import.meta.url)("@opentelemetry/api");
  });
}

/** Runs telemetry code and ignores its errors, so that the observed operation goes on. */
function safely<Result>(tell: () => Result): Result | undefined {
  try {
    return tell();
  } catch {
    return undefined;
  }
}
