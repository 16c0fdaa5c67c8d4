/**
 * Measures the cost of telemetry per statement, in nanoseconds: without an SDK, and with one that discards everything.
 */
import { metrics, trace } from "@opentelemetry/api";
import { MeterProvider } from "@opentelemetry/sdk-metrics";
import { BasicTracerProvider, SimpleSpanProcessor, type SpanExporter } from "@opentelemetry/sdk-trace-base";
import { parseOptions } from "../src/configuration/options.ts";
import { Telemetry } from "../src/telemetry/telemetry.ts";

const STATEMENTS = 200_000;
const ROUNDS = 9;
const TEXT = "SELECT id FROM machines WHERE plant = $1";
const VALUES = ["north"];

/** The median of some rounds. */
function nsPerStatement(): number {
  const providers = [{ name: "main", connectionString: "postgres://ada@localhost/plant" }];
  const settings = parseOptions({ providers });
  const telemetry = Telemetry.start(settings.nowMs, () => ({}));
  const [provider] = settings.providers.map((each) => telemetry?.forProvider(each));
  const rounds = Array.from({ length: ROUNDS }, () => {
    const startMs = performance.now();
    for (let statement = 0; statement < STATEMENTS; statement += 1) provider?.send(TEXT, VALUES).answered("SELECT");
    return ((performance.now() - startMs) * 1e6) / STATEMENTS;
  });
  telemetry?.close();
  return Math.round(rounds.toSorted((a, b) => a - b)[Math.floor(ROUNDS / 2)] ?? Number.NaN);
}

const nowhere: SpanExporter = { export: (_, done) => done({ code: 0 }), shutdown: async () => {} };

console.log(`without an SDK: ${nsPerStatement()} ns a statement`);
trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(nowhere)] }));
metrics.setGlobalMeterProvider(new MeterProvider());
console.log(`with an SDK: ${nsPerStatement()} ns a statement`);
